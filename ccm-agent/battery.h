/** @file battery.h
 *  Does this host live on a battery, and how long will it?  Layer: adapter.
 *  Source: the kernel's Documentation/ABI/testing/sysfs-class-power. */
#pragma once

#include "lib/base/err.h"

/** @param dir  the kernel's list of power supplies: /sys/class/power_supply
 *  @return percent of charge of the host's batteries, their mean; 100 when none is being used up;
 *          -1: it has none, or none that tells its charge */
int ccm_battery_read(const char *dir);
