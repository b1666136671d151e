/* What is said to the NCM, from a client that says anything: see strife.h. */
#include "tests/fuzz/strife.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	strife_run(data, size, true);
	return 0;
}
