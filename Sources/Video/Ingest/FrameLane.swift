import Pixels

/// The way from frames to pictures, of the whole frame or a region: a resizer and a gate of its own.
struct FrameLane {
    /// The result for one frame; an unchanged picture is not made again.
    struct Sight {
        let picture: Picture
        let number: UInt64
        var isSame = false
        let levels: PictureLevels
        let preview: Preview?
    }

    let name: String?
    private let region: PictureRegion?
    private let resizer: Resizer
    private var gate: ChangeGate
    private var last: Sight?

    init(_ name: String?, _ region: PictureRegion?, _ description: SourceDescription) {
        self.name = name
        self.region = region
        resizer = Resizer(description.framing)
        gate = ChangeGate(threshold: description.gate)
    }

    /// The last picture again, if it was kept.
    var again: Sight? {
        var same = last
        same?.isSame = true
        return same
    }

    /// - Parameter keeps: whether the picture may have to be shown again, though the gate does not keep it.
    mutating func see(_ frame: DecodedFrame, previews: Bool, keeps: Bool = false) -> Sight {
        let part = region.map { frame.cropped(to: $0) } ?? frame
        let (picture, number, isSame) = gate.picture(part, resizer)
        if isSame, var same = last {
            same.isSame = true
            return same
        }
        let sight = Sight(
            picture: picture, number: number, levels: PictureLevels(picture), preview: previews ? Preview(part) : nil)
        last = gate.isOn || keeps ? sight : nil
        return sight
    }
}
