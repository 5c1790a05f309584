#include "message/utf8.hpp"

#include <string>

#include <gtest/gtest.h>

namespace onecopy::message {
namespace {

TEST(Utf8, IsRecognised) {
  for (const char* text : {"", "plain", "na\xc3\xafve", "\xe2\x82\xac", "\xf0\x9f\x90\x8d",
                           "\xef\xbf\xbf", "\xf4\x8f\xbf\xbf", "\xed\x9f\xbf", "\xee\x80\x80",
                           "long enough for eight at a time \xc3\xa9 and on"}) {
    EXPECT_TRUE(is_utf8(text)) << text;
  }
  EXPECT_TRUE(is_utf8(std::string(1, '\0')));
}

TEST(Utf8, IsToldFromOtherBytes) {
  for (const char* text : {
           "\x80",              // a continuation out of nowhere
           "\xc3",              // cut off
           "\xe2\x82",          // cut off
           "\xf0\x9f\x90",      // cut off
           "\xc3(",             // no continuation
           "\xe2\x82(",         // no second continuation
           "\xc0\xaf",          // overlong
           "\xc1\xbf",          // overlong
           "\xe0\x80\xaf",      // overlong
           "\xf0\x80\x80\xaf",  // overlong
           "\xed\xa0\x80",      // a surrogate
           "\xf4\x90\x80\x80",  // beyond U+10FFFF
           "\xf5\x80\x80\x80",  // beyond U+10FFFF
           "\xff",              // never
           "12345678\xff",      // after a run of ASCII
       }) {
    EXPECT_FALSE(is_utf8(text)) << text;
  }
}

}  // namespace
}  // namespace onecopy::message
