// Layers of the anomaly trigger that hls4ml does not bring: preprocessing of hardware integers, scores, trigger bit.
// Every intermediate has a type of its own that holds it exactly; nothing rounds but the cast to res_T.
#ifndef NNET_L1AE_H_
#define NNET_L1AE_H_

#include "nnet_common.h"

namespace nnet {

// res[i] = (hw[i] - offset[i]) >> shift[i]; 0 for an empty slot (pT code 0) and for an absent feature.
template <class data_T, class res_T, typename CONFIG_T>
void l1ae_preprocess(data_T hw[CONFIG_T::n_in], res_T res[CONFIG_T::n_in],
                     typename CONFIG_T::offset_t offset[CONFIG_T::n_in], typename CONFIG_T::shift_t shift[CONFIG_T::n_in],
                     typename CONFIG_T::present_t present[CONFIG_T::n_in]) {
    #pragma HLS PIPELINE
    #pragma HLS ARRAY_PARTITION variable=offset complete
    #pragma HLS ARRAY_PARTITION variable=shift complete
    #pragma HLS ARRAY_PARTITION variable=present complete
Preprocess:
    for (unsigned i = 0; i < CONFIG_T::n_in; i++) {
        #pragma HLS UNROLL
        typename CONFIG_T::work_t value = hw[i] - offset[i];
        int right = shift[i].to_int();
        typename CONFIG_T::work_t scaled = right < 0 ? typename CONFIG_T::work_t(value << -right)
                                                     : typename CONFIG_T::work_t(value >> right);
        bool used = present[i] != 0 && hw[3 * (i / 3)] != 0;
        res[i] = used ? res_T(scaled) : res_T(0);
    }
}

// res[0] = sum of (a[i] - b[i])^2 over the features that are present in filled slots.
template <class a_T, class b_T, class hw_T, class res_T, typename CONFIG_T>
void l1ae_squared_error(a_T a[CONFIG_T::n_in], b_T b[CONFIG_T::n_in], hw_T hw[CONFIG_T::n_in], res_T res[1],
                        typename CONFIG_T::present_t present[CONFIG_T::n_in]) {
    #pragma HLS PIPELINE
    #pragma HLS ARRAY_PARTITION variable=present complete
    res_T total = 0;
SquaredError:
    for (unsigned i = 0; i < CONFIG_T::n_in; i++) {
        #pragma HLS UNROLL
        typename CONFIG_T::difference_t difference = a[i] - b[i];
        bool used = present[i] != 0 && hw[3 * (i / 3)] != 0;
        if (used)
            total += difference * difference;
    }
    res[0] = total;
}

// res[0] = sum of x[i]^2.
template <class data_T, class res_T, typename CONFIG_T> void l1ae_squared_norm(data_T x[CONFIG_T::n_in], res_T res[1]) {
    #pragma HLS PIPELINE
    res_T total = 0;
SquaredNorm:
    for (unsigned i = 0; i < CONFIG_T::n_in; i++) {
        #pragma HLS UNROLL
        total += x[i] * x[i];
    }
    res[0] = total;
}

// res[i] = table[raw bits of x[i]].
template <class data_T, class res_T, typename CONFIG_T>
void l1ae_table(data_T x[CONFIG_T::n_in], res_T res[CONFIG_T::n_in], typename CONFIG_T::table_t table[CONFIG_T::n_table]) {
    #pragma HLS PIPELINE
Table:
    for (unsigned i = 0; i < CONFIG_T::n_in; i++) {
        #pragma HLS UNROLL
        ap_uint<data_T::width> bits = x[i].range();
        res[i] = table[bits.to_uint()];
    }
}

// res[0] = (sum of a + sum of b) * 2^-halvings: the bits of the sum, with the binary point of res_T.
template <class a_T, class b_T, class res_T, typename CONFIG_T>
void l1ae_sum(a_T a[CONFIG_T::n_a], b_T b[CONFIG_T::n_b], res_T res[1]) {
    #pragma HLS PIPELINE
    typename CONFIG_T::total_t total = 0;
SumA:
    for (unsigned i = 0; i < CONFIG_T::n_a; i++) {
        #pragma HLS UNROLL
        total += a[i];
    }
SumB:
    for (unsigned i = 0; i < CONFIG_T::n_b; i++) {
        #pragma HLS UNROLL
        total += b[i];
    }
    res_T scaled = 0;
    scaled.range() = total.range();
    res[0] = scaled;
}

// res[0] = 1 where the score reaches the threshold.
template <class data_T, class res_T, typename CONFIG_T>
void l1ae_threshold(data_T score[1], res_T res[1], typename CONFIG_T::threshold_t threshold[1]) {
    #pragma HLS PIPELINE
    res[0] = score[0] >= threshold[0] ? res_T(1) : res_T(0);
}

} // namespace nnet

#endif
