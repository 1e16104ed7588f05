/// What of the C library Swift's own module of it leaves out.
#ifndef WATCHWORD_CPLATFORM_H
#define WATCHWORD_CPLATFORM_H

/// Keeps glibc's allocator to `count` arenas. Call before threads are made; does nothing with another C library.
void ww_limit_arenas(int count);

/// Gives pages that the allocator keeps for nobody back to the system. [any-thread]
void ww_give_back_memory(void);

/// Exchanges the names of two files or directories in one step. 0, or -1 and errno: where one of them is missing, or
/// the file system cannot.
int ww_exchange(const char *a, const char *b);

/// Descriptor of a new file that is only in memory, closed on exec; -1 and errno on failure.
int ww_memory_file(const char *name);

/// Overwrites `count` bytes at `from` of the process's argument `index` (0 is the program), which others can read, if
/// it still is `argument`. 0, or -1 where it is not. Call before threads are made.
int ww_hide_argument(int index, const char *argument, unsigned long from, unsigned long count);

/// File of the library that has a symbol, as the loader names it; NULL where there is none. The loader's: not to be
/// freed. [any-thread]
const char *ww_library_of(const char *symbol);

/// Columns that a Unicode character takes on a terminal: 0 to 2, whatever locale the process runs in. [any-thread]
int ww_columns(unsigned int character);

/// When a file was made, as the file system keeps it; no program can set it.
typedef struct ww_birth {
    long long seconds;
    unsigned nanoseconds;
} ww_birth;

/// Asks when an open file was made. 0, or -1 where the file system does not say.
int ww_file_birth(int descriptor, ww_birth *birth);
#endif
