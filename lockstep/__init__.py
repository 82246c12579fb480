"""The command `lockstep`: the commands of every room under one name, loaded when they are typed."""
