// tiny_v3: contract sha256 c3b3c4958b36e2c0f11137340c76b4f59c49919c2d64300149d2abd96a0ee033
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
