package import Pixels
package import StreamSources

/// Makes the encoder's pictures of a stream's frames, for the whole frame or for one region of it (a lane).
///
/// A frame in which too little has changed reuses the picture before.
package struct FrameLane {
    /// The picture made of one frame or its region; if too little has changed, it is the picture of an earlier frame.
    package struct LanePicture {
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
    private var last: LanePicture?

    package init(_ name: String?, _ region: PictureRegion?, _ description: SourceDescription) {
        self.name = name
        self.region = region
        resizer = Resizer(description.framing)
        gate = ChangeGate(threshold: description.gate)
    }

    /// The last picture again, marked as unchanged; nil if it was not kept.
    package var repeated: LanePicture? {
        var same = last
        same?.isSame = true
        return same
    }

    /// Makes the picture of a frame or its region, or reuses the last one if too little has changed.
    ///
    /// With `keeps`, the picture is kept for `repeated` even if frames are not compared.
    package mutating func makePicture(of frame: DecodedFrame, previews: Bool, keeps: Bool = false) -> LanePicture {
        let part = region.map { frame.cropped(to: $0) } ?? frame
        let (picture, number, isSame) = gate.picture(part, resizer)
        if isSame, var same = last {
            same.isSame = true
            return same
        }
        let made = LanePicture(
            picture: picture, number: number, levels: PictureLevels(picture), preview: previews ? Preview(part) : nil)
        last = gate.isOn || keeps ? made : nil
        return made
    }
}
