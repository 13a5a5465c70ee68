// Layers of the anomaly trigger that hls4ml does not bring: preprocessing of hardware integers, wires, scores, trigger
// bit. Every intermediate has a type of its own that holds it exactly; only an assignment to a type that is named below
// (work_t, res_T) rounds or overflows.
//
// Each layer is a struct. `run` works on arrays; the adapters at the end call it between streams.
#ifndef NNET_L1AE_H_
#define NNET_L1AE_H_

#include "hls_stream.h"
#include "nnet_common.h"

namespace nnet {

// res[i] = (hw[i] - offset[i]) >> shift[i] in the arithmetic of work_t; 0 for an empty slot and for an absent feature.
struct l1ae_preprocess {
    template <class hw_T, class res_T, typename CONFIG_T>
    static void run(hw_T hw[CONFIG_T::n_a], res_T res[CONFIG_T::n_out],
                    typename CONFIG_T::offset_t offset[CONFIG_T::n_out], typename CONFIG_T::shift_t shift[CONFIG_T::n_out]) {
        #pragma HLS PIPELINE
        #pragma HLS ARRAY_PARTITION variable=offset complete
        #pragma HLS ARRAY_PARTITION variable=shift complete
        bool used[CONFIG_T::n_out];
        #pragma HLS ARRAY_PARTITION variable=used complete
        CONFIG_T::filled(hw, used);
    Preprocess:
        for (unsigned i = 0; i < CONFIG_T::n_out; i++) {
            #pragma HLS UNROLL
            typename CONFIG_T::work_t value = hw[i] - offset[i];
            int right = shift[i].to_int();
            typename CONFIG_T::work_t scaled = right < 0 ? typename CONFIG_T::work_t(value << -right)
                                                         : typename CONFIG_T::work_t(value >> right);
            res[i] = used[i] ? res_T(scaled) : res_T(0);
        }
    }
};

// Wires, zeros, and a cast to res_T.
struct l1ae_gather {
    template <class data_T, class res_T, typename CONFIG_T> static void run(data_T x[CONFIG_T::n_a], res_T res[CONFIG_T::n_out]) {
        #pragma HLS PIPELINE
        CONFIG_T::connect(x, res);
    }
};

// Two copies, where every array of a dataflow region may have one reader only.
struct l1ae_copy {
    template <class data_T, class res_T, typename CONFIG_T>
    static void run(data_T x[CONFIG_T::n_a], res_T first[CONFIG_T::n_out], res_T second[CONFIG_T::n_out]) {
        #pragma HLS PIPELINE
    Copy:
        for (unsigned i = 0; i < CONFIG_T::n_out; i++) {
            #pragma HLS UNROLL
            first[i] = x[i];
            second[i] = x[i];
        }
    }
};

// res[i] = sum or maximum over window i.
struct l1ae_pool {
    template <class data_T, class res_T, typename CONFIG_T> static void run(data_T x[CONFIG_T::n_a], res_T res[CONFIG_T::n_out]) {
        #pragma HLS PIPELINE
        data_T windows[CONFIG_T::n_out * CONFIG_T::n_window];
        #pragma HLS ARRAY_PARTITION variable=windows complete
        CONFIG_T::connect(x, windows);
    Pool:
        for (unsigned i = 0; i < CONFIG_T::n_out; i++) {
            #pragma HLS UNROLL
            typename CONFIG_T::template pooled_t<data_T, res_T> pooled = windows[i * CONFIG_T::n_window];
            for (unsigned k = 1; k < CONFIG_T::n_window; k++) {
                #pragma HLS UNROLL
                CONFIG_T::pool(pooled, windows[i * CONFIG_T::n_window + k]);
            }
            res[i] = pooled;
        }
    }
};

// res[i] = a[i] + b[i], a[i] - b[i] or a[i] * b[i]: the exact result, cast to res_T.
struct l1ae_elementwise {
    template <class a_T, class b_T, class res_T, typename CONFIG_T>
    static void run(a_T a[CONFIG_T::n_a], b_T b[CONFIG_T::n_b], res_T res[CONFIG_T::n_out]) {
        #pragma HLS PIPELINE
    Elementwise:
        for (unsigned i = 0; i < CONFIG_T::n_out; i++) {
            #pragma HLS UNROLL
            CONFIG_T::combine(a[i], b[i], res[i]);
        }
    }
};

// a, then b, each cast to res_T.
struct l1ae_concatenate {
    template <class a_T, class b_T, class res_T, typename CONFIG_T>
    static void run(a_T a[CONFIG_T::n_a], b_T b[CONFIG_T::n_b], res_T res[CONFIG_T::n_out]) {
        #pragma HLS PIPELINE
    ConcatenateA:
        for (unsigned i = 0; i < CONFIG_T::n_a; i++) {
            #pragma HLS UNROLL
            res[i] = a[i];
        }
    ConcatenateB:
        for (unsigned i = 0; i < CONFIG_T::n_b; i++) {
            #pragma HLS UNROLL
            res[CONFIG_T::n_a + i] = b[i];
        }
    }
};

// res[0] = sum of |a[i] - b[i]| or (a[i] - b[i])^2 over the features that are present in filled slots, or over all.
struct l1ae_reconstruction_error {
    template <class a_T, class b_T, class hw_T, class res_T, typename CONFIG_T>
    static void run(a_T a[CONFIG_T::n_a], b_T b[CONFIG_T::n_b], hw_T hw[CONFIG_T::n_c], res_T res[1]) {
        #pragma HLS PIPELINE
        bool used[CONFIG_T::n_a];
        #pragma HLS ARRAY_PARTITION variable=used complete
        CONFIG_T::filled(hw, used);
        res_T total = 0;
    ReconstructionError:
        for (unsigned i = 0; i < CONFIG_T::n_a; i++) {
            #pragma HLS UNROLL
            typename CONFIG_T::difference_t difference = a[i] - b[i];
            if (used[i])
                CONFIG_T::add(total, difference);
        }
        res[0] = total;
    }

    template <class a_T, class b_T, class res_T, typename CONFIG_T>
    static void run(a_T a[CONFIG_T::n_a], b_T b[CONFIG_T::n_b], res_T res[1]) {
        #pragma HLS PIPELINE
        res_T total = 0;
    ReconstructionErrorOfAll:
        for (unsigned i = 0; i < CONFIG_T::n_a; i++) {
            #pragma HLS UNROLL
            typename CONFIG_T::difference_t difference = a[i] - b[i];
            CONFIG_T::add(total, difference);
        }
        res[0] = total;
    }
};

// res[0] = sum of a[i] * b[i], or of a[i]^2; each product is cast to res_T before it is added.
struct l1ae_dot {
    template <class a_T, class b_T, class res_T, typename CONFIG_T>
    static void run(a_T a[CONFIG_T::n_a], b_T b[CONFIG_T::n_b], res_T res[1]) {
        #pragma HLS PIPELINE
        res_T total = 0;
    Dot:
        for (unsigned i = 0; i < CONFIG_T::n_a; i++) {
            #pragma HLS UNROLL
            res_T product = a[i] * b[i];
            total += product;
        }
        res[0] = total;
    }

    template <class a_T, class res_T, typename CONFIG_T> static void run(a_T a[CONFIG_T::n_a], res_T res[1]) {
        #pragma HLS PIPELINE
        res_T total = 0;
    SquaredNorm:
        for (unsigned i = 0; i < CONFIG_T::n_a; i++) {
            #pragma HLS UNROLL
            res_T product = a[i] * a[i];
            total += product;
        }
        res[0] = total;
    }
};

// res[i] = table[raw bits of x[i]].
struct l1ae_table {
    template <class data_T, class res_T, typename CONFIG_T>
    static void run(data_T x[CONFIG_T::n_a], res_T res[CONFIG_T::n_out], typename CONFIG_T::table_t table[CONFIG_T::n_table]) {
        #pragma HLS PIPELINE
    Table:
        for (unsigned i = 0; i < CONFIG_T::n_out; i++) {
            #pragma HLS UNROLL
            ap_uint<data_T::width> bits = x[i].range();
            res[i] = table[bits.to_uint()];
        }
    }
};

// res[i] = the entry of table i for the lowest bits of x[i].
struct l1ae_tables {
    template <class data_T, class res_T, typename CONFIG_T> static void run(data_T x[CONFIG_T::n_a], res_T res[CONFIG_T::n_out]) {
        #pragma HLS PIPELINE
        CONFIG_T::look_up(x, res);
    }
};

// res[k] = the number of edges of element k that the code of its element of x reaches.
struct l1ae_binning {
    template <class data_T, class res_T, typename CONFIG_T> static void run(data_T x[CONFIG_T::n_a], res_T res[CONFIG_T::n_out]) {
        #pragma HLS PIPELINE
        CONFIG_T::count_edges(x, res);
    }
};

// res[i] = the entry of table i at the address that bits of some elements of x spell.
struct l1ae_lookup {
    template <class data_T, class res_T, typename CONFIG_T> static void run(data_T x[CONFIG_T::n_a], res_T res[CONFIG_T::n_out]) {
        #pragma HLS PIPELINE
        CONFIG_T::look_up(x, res);
    }
};

// res[0] = (sum of all inputs) * 2^-halvings: the bits of the sum, with the binary point of res_T.
struct l1ae_sum {
    template <class a_T, class b_T, class res_T, typename CONFIG_T>
    static void run(a_T a[CONFIG_T::n_a], b_T b[CONFIG_T::n_b], res_T res[1]) {
        #pragma HLS PIPELINE
        typename CONFIG_T::total_t total = 0;
        add<CONFIG_T::n_a>(a, total);
        add<CONFIG_T::n_b>(b, total);
        move_point(total, res[0]);
    }

    template <class a_T, class res_T, typename CONFIG_T> static void run(a_T a[CONFIG_T::n_a], res_T res[1]) {
        #pragma HLS PIPELINE
        typename CONFIG_T::total_t total = 0;
        add<CONFIG_T::n_a>(a, total);
        move_point(total, res[0]);
    }

    template <unsigned N, class data_T, class total_T> static void add(data_T x[N], total_T &total) {
        #pragma HLS INLINE
    Sum:
        for (unsigned i = 0; i < N; i++) {
            #pragma HLS UNROLL
            total += x[i];
        }
    }

    template <class total_T, class res_T> static void move_point(total_T total, res_T &res) {
        #pragma HLS INLINE
        res_T scaled = 0;
        scaled.range() = total.range();
        res = scaled;
    }
};

// res[0] = 1 where the score reaches the threshold.
struct l1ae_threshold {
    template <class data_T, class res_T, typename CONFIG_T>
    static void run(data_T score[1], res_T res[1], typename CONFIG_T::threshold_t threshold[1]) {
        #pragma HLS PIPELINE
        res[0] = score[0] >= threshold[0] ? res_T(1) : res_T(0);
    }
};

// -- io_stream: whole events are read and written, however many words they take ------------------------------------------

template <unsigned N, class word_T> void l1ae_read(hls::stream<word_T> &stream, typename word_T::value_type values[N]) {
    #pragma HLS INLINE
Read:
    for (unsigned i = 0; i < N / word_T::size; i++) {
        #pragma HLS PIPELINE
        word_T word = stream.read();
        for (unsigned k = 0; k < word_T::size; k++) {
            #pragma HLS UNROLL
            values[i * word_T::size + k] = word[k];
        }
    }
}

template <unsigned N, class word_T> void l1ae_write(hls::stream<word_T> &stream, typename word_T::value_type values[N]) {
    #pragma HLS INLINE
Write:
    for (unsigned i = 0; i < N / word_T::size; i++) {
        #pragma HLS PIPELINE
        word_T word;
        PRAGMA_DATA_PACK(word)
        for (unsigned k = 0; k < word_T::size; k++) {
            #pragma HLS UNROLL
            word[k] = values[i * word_T::size + k];
        }
        stream.write(word);
    }
}

template <class LAYER, class a_T, class res_T, typename CONFIG_T, class... weight_T>
void l1ae_stream_1(hls::stream<a_T> &a_stream, hls::stream<res_T> &res_stream, weight_T &...weights) {
    typename a_T::value_type a[CONFIG_T::n_a];
    typename res_T::value_type res[CONFIG_T::n_out];
    #pragma HLS ARRAY_PARTITION variable=a complete
    #pragma HLS ARRAY_PARTITION variable=res complete
    l1ae_read<CONFIG_T::n_a>(a_stream, a);
    LAYER::template run<typename a_T::value_type, typename res_T::value_type, CONFIG_T>(a, res, weights...);
    l1ae_write<CONFIG_T::n_out>(res_stream, res);
}

template <class LAYER, class a_T, class b_T, class res_T, typename CONFIG_T>
void l1ae_stream_2(hls::stream<a_T> &a_stream, hls::stream<b_T> &b_stream, hls::stream<res_T> &res_stream) {
    typename a_T::value_type a[CONFIG_T::n_a];
    typename b_T::value_type b[CONFIG_T::n_b];
    typename res_T::value_type res[CONFIG_T::n_out];
    #pragma HLS ARRAY_PARTITION variable=a complete
    #pragma HLS ARRAY_PARTITION variable=b complete
    #pragma HLS ARRAY_PARTITION variable=res complete
    l1ae_read<CONFIG_T::n_a>(a_stream, a);
    l1ae_read<CONFIG_T::n_b>(b_stream, b);
    LAYER::template run<typename a_T::value_type, typename b_T::value_type, typename res_T::value_type, CONFIG_T>(a, b, res);
    l1ae_write<CONFIG_T::n_out>(res_stream, res);
}

template <class LAYER, class a_T, class b_T, class c_T, class res_T, typename CONFIG_T>
void l1ae_stream_3(hls::stream<a_T> &a_stream, hls::stream<b_T> &b_stream, hls::stream<c_T> &c_stream,
                   hls::stream<res_T> &res_stream) {
    typename a_T::value_type a[CONFIG_T::n_a];
    typename b_T::value_type b[CONFIG_T::n_b];
    typename c_T::value_type c[CONFIG_T::n_c];
    typename res_T::value_type res[CONFIG_T::n_out];
    #pragma HLS ARRAY_PARTITION variable=a complete
    #pragma HLS ARRAY_PARTITION variable=b complete
    #pragma HLS ARRAY_PARTITION variable=c complete
    #pragma HLS ARRAY_PARTITION variable=res complete
    l1ae_read<CONFIG_T::n_a>(a_stream, a);
    l1ae_read<CONFIG_T::n_b>(b_stream, b);
    l1ae_read<CONFIG_T::n_c>(c_stream, c);
    LAYER::template run<typename a_T::value_type, typename b_T::value_type, typename c_T::value_type,
                        typename res_T::value_type, CONFIG_T>(a, b, c, res);
    l1ae_write<CONFIG_T::n_out>(res_stream, res);
}

} // namespace nnet

#endif
