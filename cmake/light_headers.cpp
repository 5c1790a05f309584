// What the public headers must not include: each of these takes about as long to compile as all of
// them together, or brings what does. They are known by the guards of GCC's standard library.
#if defined(_GLIBCXX_CHRONO) || defined(_GLIBCXX_COMPLEX) || defined(_GLIBCXX_MEMORY) || \
    defined(_GLIBCXX_IOS) || defined(_GLIBCXX_MUTEX) || defined(_GLIBCXX_THREAD) ||      \
    defined(_GLIBCXX_ATOMIC) || defined(_GLIBCXX_MAP) || defined(_GLIBCXX_ALGORITHM) ||  \
    defined(_GLIBCXX_RANGES)
#error "a public header includes a standard one that is too dear to compile"
#endif
