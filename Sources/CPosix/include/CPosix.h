#ifndef CPOSIX_H
#define CPOSIX_H

#include "cposix_files.h"

#endif
