"""The passengers of the Titanic: the classic first data set, as one model of this bundle."""
