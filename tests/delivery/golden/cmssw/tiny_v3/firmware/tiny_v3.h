#ifndef TINY_V3_H_
#define TINY_V3_H_

#include "ap_fixed.h"
#include "ap_int.h"
#include "hls_stream.h"

#include "defines.h"

namespace l1ae_tiny_v3 {

// Prototype of top level function for C-synthesis
void tiny_v3(
    input_t hw[57],
    layer6_t score[1], layer7_t trigger[1]
);

// hls-fpga-machine-learning insert emulator-defines

}

#endif
