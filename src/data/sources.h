/* The data sets that --data and RETHINK_DATA may name. Each is one file in data/, which defines rt_source_NAME,
 * and one line here: look-up, --help, the man page, the completion and messages expand from this list. */
#ifndef RT_DATA_SOURCES_H
#define RT_DATA_SOURCES_H

/* X(name, what it is and where it comes from) */
#define RT_SOURCES(X)                                                                                          \
    X(cifar10, "from $RETHINK_DATA or the user's data directory")                                              \
    X(shapes10, "drawn by the program")

/* "cifar10 shapes10 ", "cifar10, shapes10, " and "cifar10 (from ...), shapes10 (drawn ...), " */
#define RT_SOURCE_WORD(name, help) #name " "
#define RT_SOURCE_COMMA(name, help) #name ", "
#define RT_SOURCE_CLAUSE(name, help) #name " (" help "), "
#define RT_SOURCE_WORDS RT_SOURCES(RT_SOURCE_WORD)
#define RT_SOURCE_ENUMERATION RT_SOURCES(RT_SOURCE_COMMA)
#define RT_SOURCE_CLAUSES RT_SOURCES(RT_SOURCE_CLAUSE)

#endif
