#pragma once
// Finds out which law a battery's firmware runs. Every candidate law is stepped with everything
// the battery is sent; the one whose predictions match the reports wins, with hysteresis.
// The type string only decides which one starts ahead.

#include <cstdint>

#include "law.h"

namespace nullwatt {

/// What a report says, as far as the laws are concerned.
struct Evidence {
  float power_w = 0.0f;     ///< this report
  float previous_w = 0.0f;  ///< the one before
  float seconds = 1.0f;     ///< between them
  float slew_w_s = 400.0f;  ///< learnt rate at which the output follows its setpoint
  float low_w = -1e9f;      ///< learnt limits that are believed now
  float high_w = 1e9f;
  bool limited = false;  ///< any limit is known: the output says little about the law
};

class LawIdentifier {
 public:
  /// The battery rests at `power_w`; `prior` is the law its type suggests.
  void reset(LawKind prior, uint8_t rest_band_w, float power_w);

  /// What the battery was sent while its output was `output`.
  void sent(int32_t reading, int32_t output);

  /// Weighs a report. `fits` counts correct predictions of the active law: the more, the
  /// stronger the evidence has to be. Returns the law to switch to, nullptr = stay.
  const LawState *weigh(const Evidence &evidence, const LawState &active, uint16_t fits);

  /// The output was moved by something else than our readings.
  void place(float power_w);

  /// Polls by which a command shows later than in the next report.
  uint8_t delay() const { return delay_; }

  /// Reports in which the candidates clearly differed.
  uint16_t telling_reports() const { return telling_; }

 private:
  static constexpr uint8_t kCandidates = 8;

  struct Candidate {
    LawState law;
    float cost[kDelays] = {};
    float error_w[kDelays] = {};
  };

  bool predict(const Evidence &evidence);
  void learn_costs();
  void shift(Candidate *candidate, float power_w);
  uint8_t index_of(const LawState &law) const;

  Candidate candidates_[kCandidates];
  float fastest_w_s_ = 0.0f;
  uint16_t telling_ = 0;
  uint8_t delay_ = 0;
  uint8_t switches_ = 0;
  uint8_t leaps_ = 0;
  LawKind prior_ = LawKind::kGeneric;
  bool stepped_ = false;
  bool dc_ruled_out_ = false;  ///< it did what a DC regulator cannot do
};

/// Range a law's firmware allows.
PowerRange range_of(LawKind kind);

}  // namespace nullwatt
