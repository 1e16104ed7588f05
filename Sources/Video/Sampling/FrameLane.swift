package import Pixels
package import StreamSources

/// Makes pictures of the whole frame or of a region, with its own resizer and gate.
package struct FrameLane {
    /// The result for one frame; an unchanged picture is not made again.
    package struct Sight {
        package let picture: Picture
        package let number: UInt64
        package var isSame = false
        package let levels: PictureLevels
        package let preview: Preview?
    }

    package let name: String?
    private let region: PictureRegion?
    private let resizer: Resizer
    private var gate: ChangeGate
    private var last: Sight?

    package init(_ name: String?, _ region: PictureRegion?, _ description: SourceDescription) {
        self.name = name
        self.region = region
        resizer = Resizer(description.framing)
        gate = ChangeGate(threshold: description.gate)
    }

    /// The last picture again; nil if it was not kept.
    package var again: Sight? {
        var same = last
        same?.isSame = true
        return same
    }

    /// Makes the result for a frame.
    ///
    /// `keeps`: the picture may have to be repeated, even if the gate does not keep it.
    package mutating func see(_ frame: DecodedFrame, previews: Bool, keeps: Bool = false) -> Sight {
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
