/* The data sets that --data and RETHINK_DATA may name. Each is one file in data/, which defines rt_source_NAME,
 * and one line here: look-up, recognising a directory's files, --help, the man page, the completion and
 * messages expand from this list. */
#ifndef RT_DATA_SOURCES_H
#define RT_DATA_SOURCES_H

/* X(identifier, name, what it is and where it comes from) */
#define RT_FETCHED_SOURCES(X) /* by `rethink data fetch` */                                                    \
    X(cifar10, "cifar10", "from $RETHINK_DATA or the user's data directory")                                   \
    X(mnist, "mnist", "from there")                                                                            \
    X(fashion_mnist, "fashion-mnist", "from there")

#define RT_SOURCES(X)                                                                                          \
    RT_FETCHED_SOURCES(X)                                                                                      \
    X(shapes10, "shapes10", "drawn by the program")

/* "cifar10 mnist ", "cifar10, mnist, " and "cifar10 (from ...), mnist (from ...), " */
#define RT_SOURCE_WORD(id, name, help) name " "
#define RT_SOURCE_COMMA(id, name, help) name ", "
#define RT_SOURCE_CLAUSE(id, name, help) name " (" help "), "
#define RT_SOURCE_WORDS RT_SOURCES(RT_SOURCE_WORD)
#define RT_SOURCE_ENUMERATION RT_SOURCES(RT_SOURCE_COMMA)
#define RT_SOURCE_CLAUSES RT_SOURCES(RT_SOURCE_CLAUSE)

#endif
