// A type without a Codec. Once the compiler only said that Codec<Name> is incomplete.
// Says: to send this type, specialise onecopy::Codec for it
#include <string>
#include <vector>

#include <onecopy/queue.hpp>

struct Name {
  std::string text;
};

void send(onecopy::Queue<std::vector<Name>>& queue) { queue.put({Name{"text"}}); }

std::vector<Name> receive(onecopy::Queue<std::vector<Name>>& queue) { return queue.get(); }
