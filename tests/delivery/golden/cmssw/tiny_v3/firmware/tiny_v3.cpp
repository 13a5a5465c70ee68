// tiny_v3: contract sha256 c3b3c4958b36e2c0f11137340c76b4f59c49919c2d64300149d2abd96a0ee033
#include <iostream>

#include "tiny_v3.h"
#include "parameters.h"

namespace l1ae_tiny_v3 {

void tiny_v3(
    input_t hw[57],
    layer6_t score[1], layer7_t trigger[1]
) {

    // hls-fpga-machine-learning insert IO
    #pragma HLS ARRAY_RESHAPE variable=hw complete dim=0
    #pragma HLS ARRAY_PARTITION variable=score complete dim=0
    #pragma HLS ARRAY_PARTITION variable=trigger complete dim=0
    #pragma HLS INTERFACE ap_vld port=hw,score,trigger 
    #pragma HLS PIPELINE

    // hls-fpga-machine-learning insert load weights

    // ****************************************
    // NETWORK INSTANTIATION
    // ****************************************

    // hls-fpga-machine-learning insert layers

    layer2_t layer2_out[57];
    #pragma HLS ARRAY_PARTITION variable=layer2_out complete dim=0

    layer3_t layer3_out[4];
    #pragma HLS ARRAY_PARTITION variable=layer3_out complete dim=0

    layer4_t layer4_out[4];
    #pragma HLS ARRAY_PARTITION variable=layer4_out complete dim=0

    layer5_t layer5_out[1];
    #pragma HLS ARRAY_PARTITION variable=layer5_out complete dim=0

    nnet::l1ae_preprocess::run<input_t, layer2_t, config2>(hw, layer2_out, offset2, shift2); // inputs
#ifndef __SYNTHESIS__
    nnet::save_layer_output<layer2_t>(layer2_out, "inputs", 57);
#endif

    nnet::dense<layer2_t, layer3_t, config3>(layer2_out, layer3_out, w3, b3); // enc0
#ifndef __SYNTHESIS__
    nnet::save_layer_output<layer3_t>(layer3_out, "enc0", 4);
#endif

    nnet::relu<layer3_t, layer4_t, relu_config4>(layer3_out, layer4_out); // enc0_relu
#ifndef __SYNTHESIS__
    nnet::save_layer_output<layer4_t>(layer4_out, "enc0_relu", 4);
#endif

    nnet::l1ae_dot::run<layer4_t, layer5_t, config5>(layer4_out, layer5_out); // norm
#ifndef __SYNTHESIS__
    nnet::save_layer_output<layer5_t>(layer5_out, "norm", 1);
#endif

    nnet::linear<layer5_t, layer6_t, linear_config6>(layer5_out, score); // score
#ifndef __SYNTHESIS__
    nnet::save_layer_output<layer6_t>(score, "score", 1);
#endif

    nnet::l1ae_threshold::run<layer6_t, layer7_t, config7>(score, trigger, threshold7); // trigger
#ifndef __SYNTHESIS__
    nnet::save_layer_output<layer7_t>(trigger, "trigger", 1);
#endif

}

}
