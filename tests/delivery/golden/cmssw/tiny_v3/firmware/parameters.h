// tiny_v3: contract sha256 c3b3c4958b36e2c0f11137340c76b4f59c49919c2d64300149d2abd96a0ee033
#ifndef PARAMETERS_H_
#define PARAMETERS_H_

#include "ap_fixed.h"
#include "ap_int.h"

#include "nnet_utils/nnet_code_gen.h"
#include "nnet_utils/nnet_helpers.h"
// hls-fpga-machine-learning insert includes
#include "nnet_utils/nnet_activation.h"
#include "nnet_utils/nnet_activation_stream.h"
#include "nnet_utils/nnet_dense.h"
#include "nnet_utils/nnet_dense_compressed.h"
#include "nnet_utils/nnet_dense_stream.h"
#include "nnet_utils/nnet_l1ae.h"

// hls-fpga-machine-learning insert weights
#include "weights/offset2.h"
#include "weights/shift2.h"
#include "weights/w3.h"
#include "weights/b3.h"
#include "weights/threshold7.h"

namespace l1ae_tiny_v3 {

// hls-fpga-machine-learning insert layer-config
// inputs
struct config2 {
    static const unsigned n_a = 57;
    static const unsigned n_out = 57;
    typedef inputs_work_t work_t;
    typedef offset2_t offset_t;
    typedef shift2_t shift_t;
    template <class hw_T> static void filled(hw_T *hw, bool *used) {
        #pragma HLS INLINE
        used[0] = hw[0] != 0; used[1] = false; used[2] = hw[0] != 0; used[3] = hw[3] != 0; used[4] = hw[3] != 0; used[5] = hw[3] != 0;
        used[6] = hw[6] != 0; used[7] = hw[6] != 0; used[8] = hw[6] != 0; used[9] = hw[9] != 0; used[10] = hw[9] != 0; used[11] = hw[9] != 0;
        used[12] = hw[12] != 0; used[13] = hw[12] != 0; used[14] = hw[12] != 0; used[15] = hw[15] != 0; used[16] = hw[15] != 0; used[17] = hw[15] != 0;
        used[18] = hw[18] != 0; used[19] = hw[18] != 0; used[20] = hw[18] != 0; used[21] = hw[21] != 0; used[22] = hw[21] != 0; used[23] = hw[21] != 0;
        used[24] = hw[24] != 0; used[25] = hw[24] != 0; used[26] = hw[24] != 0; used[27] = hw[27] != 0; used[28] = hw[27] != 0; used[29] = hw[27] != 0;
        used[30] = hw[30] != 0; used[31] = hw[30] != 0; used[32] = hw[30] != 0; used[33] = hw[33] != 0; used[34] = hw[33] != 0; used[35] = hw[33] != 0;
        used[36] = hw[36] != 0; used[37] = hw[36] != 0; used[38] = hw[36] != 0; used[39] = hw[39] != 0; used[40] = hw[39] != 0; used[41] = hw[39] != 0;
        used[42] = hw[42] != 0; used[43] = hw[42] != 0; used[44] = hw[42] != 0; used[45] = hw[45] != 0; used[46] = hw[45] != 0; used[47] = hw[45] != 0;
        used[48] = hw[48] != 0; used[49] = hw[48] != 0; used[50] = hw[48] != 0; used[51] = hw[51] != 0; used[52] = hw[51] != 0; used[53] = hw[51] != 0;
        used[54] = hw[54] != 0; used[55] = hw[54] != 0; used[56] = hw[54] != 0;
    }

};

// enc0
struct config3 : nnet::dense_config {
    static const unsigned n_in = 57;
    static const unsigned n_out = 4;
    static const unsigned io_type = nnet::io_parallel;
    static const unsigned strategy = nnet::latency;
    static const unsigned reuse_factor = 1;
    static const unsigned n_zeros = 162;
    static const unsigned n_nonzeros = 66;
    static const unsigned multiplier_limit = DIV_ROUNDUP(n_in * n_out, reuse_factor) - n_zeros / reuse_factor;
    static const bool store_weights_in_bram = false;
    typedef enc0_accum_t accum_t;
    typedef enc0_bias_t bias_t;
    typedef enc0_weight_t weight_t;
    typedef layer3_index index_t;
    template<class data_T, class res_T, class CONFIG_T>
    using kernel = nnet::DenseLatency<data_T, res_T, CONFIG_T>;
    template<class x_T, class y_T>
    using product = nnet::product::mult<x_T, y_T>;
};

// enc0_relu
struct relu_config4 : nnet::activ_config {
    static const unsigned n_in = 4;
    static const unsigned table_size = 1024;
    static const unsigned io_type = nnet::io_parallel;
    static const unsigned reuse_factor = 1;
    typedef enc0_relu_table_t table_t;
};

// norm
struct config5 {
    static const unsigned n_a = 4;
    static const unsigned n_out = 1;
};

// score
struct linear_config6 : nnet::activ_config {
    static const unsigned n_in = 1;
    static const unsigned table_size = 1024;
    static const unsigned io_type = nnet::io_parallel;
    static const unsigned reuse_factor = 1;
    typedef score_table_t table_t;
};

// trigger
struct config7 {
    static const unsigned n_a = 1;
    static const unsigned n_out = 1;
    typedef threshold7_t threshold_t;
};


}

#endif
