"""The issuer: issues presigned uploads, returns the state of uploads and objects, and reports the region's readiness."""
