import Pixels

/// Compares each frame with the last new one, and reuses that one's picture if too little has changed.
///
/// The frame then need not be resized and embedded. Slow changes add up, since the last new frame stays the reference.
/// One gate belongs to one thread.
struct ChangeGate {
    private let threshold: Float?
    private var signature: ColourSignature?
    private var picture: Picture?
    private(set) var number: UInt64 = 0

    /// True if frames are compared; false if every frame makes a new picture.
    var isOn: Bool { threshold != nil }

    /// Makes a gate; `threshold` is the least change that counts, in levels of 0 to 255, and nil compares nothing.
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
