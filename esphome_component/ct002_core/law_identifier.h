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

  /// What the battery was sent, and its output then.
  void sent(Poll poll);

  /// Weighs a report. `fits` counts correct predictions of the active law: the more, the
  /// stronger the evidence has to be. True if it should switch to `better`.
  bool weigh(const Evidence &evidence, const Law &active, uint16_t fits, LawState *better);

  /// The output was moved by something else than our readings.
  void place(float power_w);

  /// Polls by which a command shows later than in the next report.
  uint8_t delay() const { return delay_; }

  /// Reports in which the candidates clearly differed.
  uint16_t telling_reports() const { return telling_; }

 private:
  static constexpr uint8_t kCandidates = 8;

  /// Only what tells a candidate from the others: its law is a row of constants, its memory shared.
  struct Candidate {
    Setpoints setpoints;
    float cost[kDelays] = {};
  };
  using Errors = float[kCandidates][kDelays];

  bool predict(const Evidence &evidence, Errors *errors_w);
  void learn_costs(const Errors &errors_w);
  void shift(uint8_t index, float power_w);
  Law law_of(uint8_t index) const;
  static uint8_t index_of(const Law &law);

  Candidate candidates_[kCandidates];
  float fastest_w_s_ = 0.0f;
  LawMemory memory_;
  uint16_t telling_ = 0;
  uint8_t delay_ = 0;
  uint8_t switches_ = 0;
  uint8_t leaps_ = 0;
  uint8_t rest_band_w_ = 0;
  LawKind prior_ = LawKind::kGeneric;
  bool stepped_ = false;
  bool dc_ruled_out_ = false;  ///< it did what a DC regulator cannot do
};

}  // namespace nullwatt
