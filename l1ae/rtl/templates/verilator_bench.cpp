// Bench of the RTL simulation: drives the ports cycle by cycle as a file says and writes what they show.
//   bench SEED EVENTS WORDS CYCLES OUT
// EVENTS: rows of WORDS 32-bit words, the bits of in_event from the lowest. CYCLES: one `Drive` per clock.
// OUT: one `Show` per clock. Uninitialised registers start from random bits that SEED chooses.
#include "Dut.h"
#include "verilated.h"

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <vector>

struct Drive {
    std::uint64_t threshold;
    std::uint32_t row;
    std::uint32_t flags; // 1 rst, 2 in_valid, 4 threshold_write
};

struct Show {
    std::uint64_t score;
    std::uint64_t threshold;
    std::uint32_t flags; // 1 in_ready, 2 out_valid, 4 out_trigger
    std::uint32_t unused;
};

template <std::size_t N> static void put(VlWide<N> &port, const std::uint32_t *words) {
    for (std::size_t i = 0; i < N; i++)
        port[i] = words[i];
}
static void put(QData &port, const std::uint32_t *words) { port = words[0] | static_cast<QData>(words[1]) << 32; }
template <class T> static void put(T &port, const std::uint32_t *words) { port = static_cast<T>(words[0]); }

template <class T> static std::vector<T> read(const char *path) {
    std::ifstream in(path, std::ios::binary | std::ios::ate);
    std::vector<T> values(static_cast<std::size_t>(in.tellg()) / sizeof(T));
    in.seekg(0);
    in.read(reinterpret_cast<char *>(values.data()), static_cast<std::streamsize>(values.size() * sizeof(T)));
    return values;
}

int main(int argc, char **argv) {
    if (argc != 6)
        return 2;
    auto context = std::make_unique<VerilatedContext>();
    context->randReset(2);
    context->randSeed(std::atoi(argv[1]));
    auto dut = std::make_unique<Dut>(context.get());
    const auto events = read<std::uint32_t>(argv[2]);
    const std::size_t words = std::strtoul(argv[3], nullptr, 10);
    const auto cycles = read<Drive>(argv[4]);
    std::vector<Show> shows;
    shows.reserve(cycles.size());
    for (const Drive &drive : cycles) {
        dut->clk = 0;
        dut->rst = drive.flags & 1;
        dut->in_valid = drive.flags >> 1 & 1;
        dut->threshold_write = drive.flags >> 2 & 1;
        dut->threshold_in = drive.threshold;
        put(dut->in_event, &events[drive.row * words]);
        dut->eval();
        const std::uint32_t ready = dut->in_ready;
        dut->clk = 1;
        dut->eval();
        shows.push_back({dut->out_score, dut->threshold, ready | dut->out_valid << 1U | dut->out_trigger << 2U, 0});
    }
    dut->final();
    std::ofstream out(argv[5], std::ios::binary);
    out.write(reinterpret_cast<const char *>(shows.data()), static_cast<std::streamsize>(shows.size() * sizeof(Show)));
    return out.good() ? 0 : 1;
}
