import Pixels

/// Gives a frame that shows nothing new the picture of the one before: resizing and embedding it again would be waste.
///
/// Compared with the last frame that was new, not with the last one, so that slow changes add up. Belongs to the thread
/// of one sink.
struct ChangeGate {
    private let threshold: Float?
    private var signature: ColourSignature?
    private var picture: Picture?
    private(set) var number: UInt64 = 0

    /// Whether pictures are compared at all.
    var isOn: Bool { threshold != nil }

    /// `threshold`: see `SourceDescription.gate`.
    init(threshold: Double?) { self.threshold = threshold.map { Float($0) } }

    /// The frame's picture and its number, and whether it is the last one again.
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
