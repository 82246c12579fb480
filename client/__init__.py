"""The upload client: asks which region is active, uploads there, and goes to the other one when that fails.

Stands alone, so that whoever sends files may copy it: it imports nothing of the platform's other rooms.
"""
