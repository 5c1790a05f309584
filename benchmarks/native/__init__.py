"""./bench native: hand-offs between two processes in C++, Onecopy's beside what else there is.

The measuring is done by a program of C++ (main.cpp); here its figures are read, held against the
bars, and printed. Needs the standard library only.
"""
