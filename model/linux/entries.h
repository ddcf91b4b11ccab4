// Linux's page-table entries: what it asks of them, makes of them, and how it finds them.
#pragma once

#include "model/linux/atomic_entries.h"
#include "model/linux/constructors.h"
#include "model/linux/frame.h"
#include "model/linux/index.h"
#include "model/linux/modifiers.h"
#include "model/linux/pgprot.h"
#include "model/linux/predicates.h"
#include "model/linux/swap.h"
