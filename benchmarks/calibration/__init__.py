"""How often do the checks alarm where nothing happened, and how often do they miss what did?"""
