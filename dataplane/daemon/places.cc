#include "dataplane/daemon/places.h"

#include <utility>

namespace novaplane::daemon {

Places::Place& Places::Place::operator=(Place&& other) noexcept {
  std::swap(places_, other.places_);
  std::swap(account_, other.account_);
  std::swap(is_root_, other.is_root_);
  return *this;
}

Places::Place::~Place() {
  if (!places_) return;
  if (is_root_) {
    --places_->of_root_;
    return;
  }
  --places_->of_others_;
  const auto mine = places_->of_each_.find(account_);
  if (--mine->second == 0) places_->of_each_.erase(mine);
}

Places::Place Places::take(const std::string& account, bool is_root) {
  Place place;
  if (of_root_ + of_others_ >= all_) return place;
  if (is_root) {
    if (of_root_ >= most_) return place;
    ++of_root_;
  } else {
    const auto mine = of_each_.find(account);
    if (of_others_ >= most_ || (mine != of_each_.end() && mine->second >= each_)) return place;
    ++of_each_[account];
    ++of_others_;
  }
  place.places_ = this;
  place.account_ = account;
  place.is_root_ = is_root;
  return place;
}

}  // namespace novaplane::daemon
