#pragma once

#include <map>
#include <string>

namespace novaplane::daemon {

/// Places for clients that are served at the same time. Nobody takes them all: root has three
/// quarters at most, all other accounts together likewise, and each of those a quarter.
class Places {
 public:
  explicit Places(int all) : all_(all), most_(all - all / 4), each_(all / 4) {}
  Places(const Places&) = delete;

  /// Given back at its end, which is before that of the places.
  class Place {
   public:
    Place() = default;  ///< none
    Place(Place&& other) noexcept { *this = std::move(other); }
    Place& operator=(Place&& other) noexcept;
    ~Place();
    explicit operator bool() const { return places_ != nullptr; }

   private:
    friend class Places;
    Places* places_ = nullptr;
    std::string account_;
    bool is_root_ = false;
  };

  /// None where nothing is left for that account.
  Place take(const std::string& account, bool is_root);

 private:
  int all_, most_, each_;
  int of_root_ = 0, of_others_ = 0;
  std::map<std::string, int> of_each_;  ///< without root
};

}  // namespace novaplane::daemon
