"""The lab: hosts, registry, name server and ACME authority in containers, for the demo and the tests."""
