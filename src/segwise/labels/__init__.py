"""What can be wrong with labels: facts per image and object, the contract over them, and the findings."""
