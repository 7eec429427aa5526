#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <string>
#include <string_view>
#include <utility>

namespace novaplane {

/// Text or bytes that never change, in 16 bytes of memory: up to 14 stand in the value itself,
/// longer ones on the heap, once for all copies. Copies may be in several threads.
class CompactString {
 public:
  CompactString() = default;
  CompactString(std::string_view text) {
    if (text.size() <= kLongestInside) {
      std::memcpy(bytes_.data(), text.data(), text.size());
      bytes_.back() = static_cast<char>(text.size());
    } else {
      put(Block::make(text));
    }
  }
  CompactString(const std::string& text) : CompactString(std::string_view(text)) {}
  CompactString(const char* text) : CompactString(std::string_view(text)) {}
  CompactString(const CompactString& other) : bytes_(other.bytes_) {
    if (is_shared()) block()->owners.fetch_add(1, std::memory_order_relaxed);
  }
  CompactString(CompactString&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
  CompactString& operator=(CompactString other) noexcept {
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~CompactString() {
    if (is_shared()) Block::release(block());
  }

  std::string_view view() const {
    if (is_shared()) return {block()->text(), block()->size};
    return {bytes_.data(), static_cast<std::size_t>(bytes_.back())};
  }
  operator std::string_view() const { return view(); }
  const char* c_str() const { return view().data(); }  ///< a zero follows the text
  std::size_t size() const { return view().size(); }
  bool empty() const { return bytes_.back() == 0; }

  friend bool operator==(const CompactString& a, const CompactString& b) {
    return a.view() == b.view();
  }

 private:
  static constexpr std::size_t kLongestInside = 14;
  static constexpr char kShared = kLongestInside + 1;

  /// The text follows it, and a zero.
  struct Block {
    std::atomic<std::uint32_t> owners;
    std::uint32_t size;

    char* text() { return reinterpret_cast<char*>(this + 1); }
    static Block* make(std::string_view text) {
      auto* block = new (::operator new(sizeof(Block) + text.size() + 1))
          Block{1, static_cast<std::uint32_t>(text.size())};
      std::memcpy(block->text(), text.data(), text.size());
      block->text()[text.size()] = '\0';
      return block;
    }
    static void release(Block* block) {
      if (block->owners.fetch_sub(1, std::memory_order_acq_rel) == 1) ::operator delete(block);
    }
  };

  bool is_shared() const { return bytes_.back() == kShared; }
  Block* block() const {
    Block* block = nullptr;
    std::memcpy(&block, bytes_.data(), sizeof(block));
    return block;
  }
  void put(Block* block) {
    std::memcpy(bytes_.data(), &block, sizeof(block));
    bytes_.back() = kShared;
  }

  /// The last one is the length, or kShared; then a pointer stands first.
  alignas(8) std::array<char, kLongestInside + 2> bytes_{};
};

}  // namespace novaplane
