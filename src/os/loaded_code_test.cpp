#include "os/loaded_code.hpp"

#include <dlfcn.h>

#include <gtest/gtest.h>

namespace onecopy::os {
namespace {

int own_function() { return 5; }

TEST(LoadedCode, HasTheFunctionsOfTheProgramAndOfItsLibraries) {
  const LoadedCode code = LoadedCode::take();

  EXPECT_TRUE(code.has(reinterpret_cast<const void*>(&own_function)));
  EXPECT_TRUE(code.has(dlsym(RTLD_DEFAULT, "malloc")));
}

TEST(LoadedCode, HasNoData) {
  const LoadedCode code = LoadedCode::take();
  const int local = 0;

  EXPECT_FALSE(code.has(&local));
  EXPECT_FALSE(code.has(nullptr));
}

// One that every C library of GNU brings, and nothing needs.
TEST(LoadedCode, LacksWhatIsLoadedLater) {
  const LoadedCode before = LoadedCode::take();
  void* const library = dlopen("libBrokenLocale.so.1", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) GTEST_SKIP() << dlerror();
  const void* const function = dlsym(library, "__ctype_get_mb_cur_max");
  ASSERT_NE(function, nullptr);

  EXPECT_FALSE(before.has(function));
  EXPECT_TRUE(LoadedCode::take().has(function));
}

}  // namespace
}  // namespace onecopy::os
