import Pixels

/// Reuses the previous picture for a frame that shows nothing new, so that it need not be resized and embedded.
///
/// A frame is compared with the last one that was new, so that slow changes add up. One gate belongs to one thread.
struct ChangeGate {
    private let threshold: Float?
    private var signature: ColourSignature?
    private var picture: Picture?
    private(set) var number: UInt64 = 0

    /// True if frames are compared; false if every frame makes a new picture.
    var isOn: Bool { threshold != nil }

    /// Makes a gate; see `SourceDescription.gate` for `threshold`.
    init(threshold: Double?) { self.threshold = threshold.map { Float($0) } }

    /// Returns the picture for a frame, the picture's number, and whether it is the previous picture again.
    mutating func picture(_ frame: DecodedFrame, _ resizer: Resizer) -> (Picture, number: UInt64, isSame: Bool) {
        if let threshold {
            let seen = ColourSignature(frame)
            if let signature, let picture, seen.difference(from: signature) < threshold {
                return (picture, number, true)
            }
            signature = seen
        }
        let made = resizer.picture(frame)
        number += 1
        picture = threshold == nil ? nil : made
        return (made, number, false)
    }
}
