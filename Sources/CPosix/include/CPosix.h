#ifndef CPOSIX_H
#define CPOSIX_H

// System calls that Swift cannot import itself: variadic ones, macros, GNU extensions.
// A function that can fail answers with the negative errno.
#include "cposix_process.h"
#include "cposix_sockets.h"

#endif
