#include "os/private_socket.hpp"

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "os/descriptor_passing.hpp"
#include "os/system.hpp"
#include "os/testing.hpp"
#include "os/testing_files.hpp"

namespace onecopy::os {
namespace {

using testing::Child;
using testing::FakeRoot;

mode_t mode_of(const std::string& path) {
  struct stat status;
  EXPECT_EQ(stat(path.c_str(), &status), 0) << path;
  return status.st_mode & 07777;
}

class PrivateSocket : public ::testing::Test {
 protected:
  const FakeRoot root_;
  const std::string folder_ = root_.path() + "/private";
  const std::string path_ = folder_ + "/door";
};

TEST_F(PrivateSocket, LiesInADirectoryThatItMakes) {
  const auto bound = listen_at(path_);
  ASSERT_TRUE(bound) << bound.failure().text();
  EXPECT_EQ(mode_of(folder_), 0700u);
  EXPECT_TRUE(check_privacy(path_));
  const auto connected = connect_to(path_);
  ASSERT_TRUE(connected);
  EXPECT_EQ(peer_credentials(connected->get()).value().pid, process_id());
  const auto accepted = accept_connection(bound->socket.get());
  ASSERT_TRUE(accepted);
  EXPECT_EQ(accept_connection(bound->socket.get()).error(), Error::empty);
  ASSERT_TRUE(write_some(connected->get(), "ab", 2));
  ASSERT_TRUE(write_some(connected->get(), "c", 1));
  char text[8];
  EXPECT_EQ(read_some(accepted->get(), text, sizeof text).value(), 2u) << "messages stay apart";
}

TEST_F(PrivateSocket, IsRefusedInADirectoryThatIsOpenToOthers) {
  for (const mode_t mode : {0755u, 0710u, 0701u}) {
    std::filesystem::create_directory(folder_);
    ASSERT_EQ(chmod(folder_.c_str(), mode), 0);
    for (const Error refused : {listen_at(path_).error(), check_privacy(path_).error()}) {
      EXPECT_EQ(refused, Error::permission);
    }
    const std::string text = check_privacy(path_).failure().text();
    EXPECT_NE(text.find(folder_), std::string::npos) << text;
    EXPECT_NE(text.find("must have 0700"), std::string::npos) << text;
  }
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(PrivateSocket, IsRefusedInADirectoryOfSomebodyElse) {
  if (user_id() == 0) {
    std::filesystem::create_directory(folder_);
    ASSERT_EQ(chmod(folder_.c_str(), 0700), 0);
    ASSERT_EQ(chown(folder_.c_str(), 12345, 12345), 0);
    const auto refused = listen_at(path_);
    EXPECT_EQ(refused.error(), Error::permission);
    EXPECT_NE(refused.failure().text().find("belongs to user 12345"), std::string::npos);
  } else {
    EXPECT_EQ(listen_at("/onecopy-test").error(), Error::permission) << "the root is not ours";
  }
}

TEST_F(PrivateSocket, IsRefusedBehindALink) {
  std::filesystem::create_directory(root_.path() + "/elsewhere");
  ASSERT_EQ(chmod((root_.path() + "/elsewhere").c_str(), 0700), 0);
  std::filesystem::create_symlink(root_.path() + "/elsewhere", folder_);
  EXPECT_EQ(listen_at(path_).failure().system_errno, ENOTDIR);
  EXPECT_EQ(check_privacy(path_).failure().system_errno, ENOTDIR);
}

TEST_F(PrivateSocket, IsOneAtATime) {
  const auto bound = listen_at(path_);
  ASSERT_TRUE(bound);
  const auto second = listen_at(path_);
  EXPECT_EQ(second.failure().system_errno, EADDRINUSE);
  EXPECT_EQ(second.failure().text(),
            "'" + path_ + "' is open already, by process " + std::to_string(process_id()));
}

TEST_F(PrivateSocket, TakesThePlaceOfOneOfTheDead) {
  Child dead([this] {
    const auto bound = listen_at(path_);
    kill_self();
    return 0;
  });
  dead.collect();
  EXPECT_TRUE(std::filesystem::exists(path_));
  EXPECT_EQ(connect_to(path_).failure().system_errno, ECONNREFUSED);
  EXPECT_TRUE(listen_at(path_));
}

TEST_F(PrivateSocket, DoesNotTakeThePlaceOfAFile) {
  std::filesystem::create_directory(folder_);
  ASSERT_EQ(chmod(folder_.c_str(), 0700), 0);
  std::ofstream(path_) << "precious";
  EXPECT_EQ(listen_at(path_).failure().text(),
            "'" + path_ + "' is there already, and is no socket");
  EXPECT_EQ(std::filesystem::file_size(path_), 8u);
}

TEST_F(PrivateSocket, IsRemovedByItsOwnIdentityOnly) {
  auto first = listen_at(path_);
  ASSERT_TRUE(first);
  remove_socket(path_, first->file);
  EXPECT_FALSE(std::filesystem::exists(path_));
  EXPECT_EQ(connect_to(path_).failure().system_errno, ENOENT);
  const auto second = listen_at(path_);
  ASSERT_TRUE(second);
  FileIdentity other = second->file;
  ++other.inode;
  remove_socket(path_, other);
  EXPECT_TRUE(std::filesystem::exists(path_));
}

TEST_F(PrivateSocket, HasAShortPath) {
  const std::string longest = path_ + std::string(sizeof(sockaddr_un::sun_path), 'x');
  EXPECT_EQ(listen_at(longest).error(), Error::invalid);
  EXPECT_EQ(connect_to(longest).error(), Error::invalid);
  EXPECT_FALSE(std::filesystem::exists(folder_));
}

TEST_F(PrivateSocket, IsNotMadeWhereThereIsNoWayToIt) {
  EXPECT_EQ(listen_at(root_.path() + "/none/none/door").failure().system_errno, ENOENT);
}

// Two that open at once: one has it, whatever a dead one left.
TEST_F(PrivateSocket, IsWonByOneOfMany) {
  Child dead([this] {
    const auto bound = listen_at(path_);
    kill_self();
    return 0;
  });
  dead.collect();
  constexpr int kRacers = 6;
  auto go = pipe_pair().value();
  auto tell = pipe_pair().value();
  std::vector<std::unique_ptr<Child>> racers;
  for (int i = 0; i < kRacers; ++i) {
    racers.push_back(std::make_unique<Child>([&] {
      go.second.reset();
      char word = 0;
      static_cast<void>(read_some(go.first.get(), &word, 1));
      const auto bound = listen_at(path_);
      if (!bound && bound.failure().system_errno != EADDRINUSE) return 1;
      word = bound ? 'w' : 'l';
      if (!write_some(tell.second.get(), &word, 1)) return 2;
      // Until all have tried, the winner stays.
      if (bound) pause();
      return 0;
    }));
  }
  go.first.reset();
  go.second.reset();
  int winners = 0;
  for (int i = 0; i < kRacers; ++i) {
    char word = 0;
    ASSERT_EQ(read_some(tell.first.get(), &word, 1).value(), 1u);
    winners += word == 'w';
  }
  EXPECT_EQ(winners, 1);
}

TEST_F(PrivateSocket, KnowsItsWayFromTheRoot) {
  EXPECT_EQ(absolute_path("/a/b").value(), "/a/b");
  EXPECT_EQ(absolute_path("a").value(), std::filesystem::current_path().string() + "/a");
}

}  // namespace
}  // namespace onecopy::os
