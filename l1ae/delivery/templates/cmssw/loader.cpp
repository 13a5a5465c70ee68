// Loads emulators into one process and asks them in turns, through the interface of CMSSW alone.
//   loader [--global] LIBRARY EVENTS [LIBRARY EVENTS ...]
// LIBRARY: path of a NAME_vN.so. EVENTS: the events.txt that was delivered with the version asked for; it says its project
// and digest, and the answers of its contract. --global: with RTLD_GLOBAL, where symbols of the libraries see each other.
// Exit status: 0 all answers are the contract's; 1 one differs; 2 something cannot be read or loaded, or throws;
// 3 a library is not the version asked for.
#include "emulator.h"

#include "ap_fixed.h"

#include <algorithm>
#include <any>
#include <cstdint>
#include <cstdio>
#include <dlfcn.h>
#include <exception>
#include <fstream>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

struct Refused : std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct Events {
    std::string project, digest;
    std::size_t inputs = 0, stated = 0;
    std::vector<std::int32_t> codes;
    std::vector<std::pair<std::int64_t, bool>> answers;
};

static Events read_events(const std::string &path) {
    std::ifstream file(path);
    Events events;
    std::string line, word, hash;
    for (std::size_t number = 1; std::getline(file, line); number++) {
        std::istringstream text(line);
        if (line.rfind("# project ", 0) == 0)
            text >> hash >> word >> events.project >> word >> events.digest >> word >> events.inputs >> word >> events.stated;
        if (line.empty() || line[0] == '#')
            continue;
        std::vector<std::int64_t> row;
        for (std::int64_t value; text >> value;)
            row.push_back(value);
        const auto fits = [](std::int64_t code) { return INT32_MIN <= code && code <= INT32_MAX; };
        if (!text.eof() || row.size() != events.inputs + 2 || !std::all_of(row.begin(), row.end() - 2, fits) || row.back() >> 1 != 0)
            throw std::runtime_error(path + ", line " + std::to_string(number) + ": " + std::to_string(events.inputs) +
                                     " codes of 32 bits, a score and a trigger bit are expected");
        events.codes.insert(events.codes.end(), row.begin(), row.end() - 2);
        events.answers.emplace_back(row[row.size() - 2], row.back() != 0);
    }
    if (events.answers.empty())
        throw std::runtime_error(path + " holds no events");
    if (events.answers.size() != events.stated)
        throw std::runtime_error(path + " holds " + std::to_string(events.answers.size()) + " events and says that it holds " +
                                 std::to_string(events.stated));
    return events;
}

class Library {
    void *handle_;

    template <class F> F *symbol(const std::string &name) {
        void *found = dlsym(handle_, name.c_str());
        if (found == nullptr)
            throw Refused(path + " has no " + name + ": it is not " + events.project);
        return reinterpret_cast<F *>(found);
    }

  public:
    std::string path;
    Events events;
    hls4mlEmulator::Model *(*create)();
    void (*destroy)(hls4mlEmulator::Model *);
    std::size_t wrong = 0;

    Library(const std::string &library, const std::string &events_path, int mode) : path(library), events(read_events(events_path)) {
        handle_ = dlopen(library.c_str(), RTLD_LAZY | mode);
        if (handle_ == nullptr)
            throw std::runtime_error(std::string("cannot load it: ") + dlerror());
        create = symbol<hls4mlEmulator::Model *()>("create_model");
        destroy = symbol<void(hls4mlEmulator::Model *)>("destroy_model");
        const int version = symbol<int()>(events.project + "_version")();
        const std::string digest = symbol<const char *()>(events.project + "_digest")();
        const auto inputs = static_cast<std::size_t>(symbol<int()>(events.project + "_inputs")());
        const std::string asked = events.project.substr(events.project.rfind("_v") + 2);
        if (std::to_string(version) != asked)
            throw Refused(path + " is version " + std::to_string(version) + ", asked for was " + asked);
        if (inputs != events.inputs)
            throw Refused(path + " takes " + std::to_string(inputs) + " inputs, and the events have " + std::to_string(events.inputs));
        if (digest != events.digest)
            throw Refused(path + " is of contract " + digest + ", asked for was " + events.digest);
    }
    ~Library() { dlclose(handle_); }

    void compare(std::size_t event, const std::pair<std::int64_t, bool> &found, const char *convention) {
        const auto &expected = events.answers[event];
        if (found != expected && wrong++ == 0)
            std::printf("%s, event %zu, %s: score %lld, trigger %d; contract %lld, %d\n", path.c_str(), event, convention,
                        (long long)found.first, int(found.second), (long long)expected.first, int(expected.second));
    }
};

static bool fits(const std::int32_t *codes, std::size_t inputs) {
    return std::all_of(codes, codes + inputs, [](std::int32_t code) { return -4096 <= code && code < 4096; });
}

// Both conventions for inputs, one after the other; the libraries take turns at every step.
static void run(std::vector<std::unique_ptr<Library>> &libraries) {
    std::size_t most = 0;
    for (auto &library : libraries)
        most = std::max(most, library->events.answers.size());
    std::vector<hls4mlEmulator::Model *> models;
    for (auto &library : libraries)
        models.push_back(library->create());
    for (std::size_t turn = 0; turn < 2 * most; turn++) {
        std::vector<std::vector<ap_fixed<18, 13>>> fixed(libraries.size());
        for (std::size_t k = 0; k < libraries.size(); k++) {
            const Events &events = libraries[k]->events;
            std::int32_t *codes = const_cast<std::int32_t *>(&events.codes[turn / 2 % events.answers.size() * events.inputs]);
            if (turn % 2 == 0 || !fits(codes, events.inputs)) {
                models[k]->prepare_input(codes);
                continue;
            }
            fixed[k].assign(codes, codes + events.inputs);
            models[k]->prepare_input(fixed[k].data());
        }
        for (auto &model : models)
            model->predict();
        for (std::size_t k = 0; k < libraries.size(); k++) {
            std::pair<std::int64_t, bool> found;
            models[k]->read_result(&found);
            libraries[k]->compare(turn / 2 % libraries[k]->events.answers.size(), found, turn % 2 == 0 ? "integers" : "ap_fixed<18,13>");
        }
    }
    for (std::size_t k = 0; k < libraries.size(); k++)
        libraries[k]->destroy(models[k]);
}

int main(int argc, char **argv) {
    const bool global = argc > 1 && std::string(argv[1]) == "--global";
    const int first = global ? 2 : 1;
    if (argc == first || (argc - first) % 2 != 0) {
        std::fprintf(stderr, "usage: loader [--global] LIBRARY EVENTS [LIBRARY EVENTS ...]\n");
        return 2;
    }
    std::vector<std::unique_ptr<Library>> libraries;
    try {
        for (int i = first; i < argc; i += 2)
            libraries.push_back(std::make_unique<Library>(argv[i], argv[i + 1], global ? RTLD_GLOBAL : RTLD_LOCAL));
        run(libraries);
    } catch (const Refused &refused) {
        std::fprintf(stderr, "refused: %s\n", refused.what());
        return 3;
    } catch (const std::exception &error) {
        std::fprintf(stderr, "error: %s\n", error.what());
        return 2;
    }
    std::size_t wrong = 0;
    for (auto &library : libraries) {
        std::printf("%s (%s, %.16s): %zu mismatches in %zu events\n", library->path.c_str(), library->events.project.c_str(),
                    library->events.digest.c_str(), library->wrong, library->events.answers.size());
        wrong += library->wrong;
    }
    return wrong == 0 ? 0 : 1;
}
