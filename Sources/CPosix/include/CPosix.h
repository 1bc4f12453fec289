// Lends C to the Posix module: what Swift cannot import as it stands.
#ifndef CPOSIX_H
#define CPOSIX_H

#include "cposix_files.h"
#include "cposix_process.h"
#include "cposix_service.h"
#include "cposix_sockets.h"

#endif
