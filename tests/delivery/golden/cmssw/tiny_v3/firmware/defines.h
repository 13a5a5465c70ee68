// tiny_v3: contract sha256 c3b3c4958b36e2c0f11137340c76b4f59c49919c2d64300149d2abd96a0ee033
#ifndef DEFINES_H_
#define DEFINES_H_

#include "ap_fixed.h"
#include "ap_int.h"
#include "nnet_utils/nnet_types.h"
#include <array>
#include <cstddef>
#include <cstdio>
#include <tuple>
#include <tuple>

namespace l1ae_tiny_v3 {

// hls-fpga-machine-learning insert numbers

// hls-fpga-machine-learning insert layer-precision
typedef ap_fixed<13,13> input_t;
typedef ap_fixed<12,6,AP_RND_CONV,AP_SAT,0> layer2_t;
typedef ap_uint<9> offset2_t;
typedef ap_uint<4> shift2_t;
typedef ap_fixed<22,14> inputs_work_t;
typedef ap_fixed<18,9> enc0_accum_t;
typedef ap_fixed<18,9> layer3_t;
typedef ap_fixed<4,1> enc0_weight_t;
typedef ap_fixed<6,3> enc0_bias_t;
typedef ap_uint<1> layer3_index;
typedef ap_ufixed<6,3,AP_RND_CONV,AP_SAT,0> layer4_t;
typedef ap_fixed<18,8> enc0_relu_table_t;
typedef ap_ufixed<14,8> layer5_t;
typedef ap_ufixed<18,14,AP_TRN,AP_SAT,0> layer6_t;
typedef ap_fixed<18,8> score_table_t;
typedef ap_ufixed<1,1> layer7_t;
typedef ap_ufixed<18,14,AP_TRN,AP_SAT,0> threshold7_t;

// hls-fpga-machine-learning insert emulator-defines

}

#endif
