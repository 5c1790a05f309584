#include "os/module_address.hpp"

#include <cstdlib>

#include <gtest/gtest.h>

#include "os/build_id.hpp"

namespace onecopy::os {
namespace {

int here() { return 0; }

const void* address_of(auto* function) { return reinterpret_cast<const void*>(function); }

TEST(ModuleAddress, LeadsBackToTheCode) {
  for (const void* code : {address_of(&here), address_of(&build_id_around)}) {
    const auto address = locate(code);
    ASSERT_TRUE(address);
    EXPECT_EQ(find_code(*address).value(), code);
  }
  EXPECT_EQ(locate(address_of(&here))->module, "") << "the program";
  EXPECT_NE(locate(address_of(&build_id_around))->module.find("libonecopy"), std::string::npos);
}

TEST(ModuleAddress, IsNoneOfWhatIsNotLoaded) {
  const int on_the_stack = 0;
  EXPECT_EQ(locate(&on_the_stack).error(), Error::invalid);
  EXPECT_EQ(find_code({"/no/such/library.so", "", 0}).error(), Error::not_found);
}

TEST(ModuleAddress, OfAnotherBuildIsRefused) {
  auto address = locate(address_of(&build_id_around)).value();
  address.build_id = "000000000000";
  EXPECT_EQ(find_code(address).error(), Error::not_found);
}

TEST(ModuleAddress, OfDataIsNoCode) {
  static int data = 0;
  const auto address = locate(&data);
  ASSERT_TRUE(address);
  EXPECT_EQ(find_code(*address).error(), Error::not_found);
  auto far = locate(address_of(&here)).value();
  far.offset = std::uint64_t{1} << 40;
  EXPECT_EQ(find_code(far).error(), Error::not_found);
}

}  // namespace
}  // namespace onecopy::os
