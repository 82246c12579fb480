"""One test file for each rule, named as the rule's file is."""
