import ArgumentParser
import CommandSupport
import Matching

/// The options of `watchword watch --clip`, which scores a whole file as one clip.
struct ClipOptions: ParsableArguments {
    @Flag(help: "Score the whole file as one clip, sampled as CLIP4Clip's data loaders do, instead of sliding windows.")
    var clip = false
    @Option(
        name: .customLong("clip-rate"), parsing: .unconditional,
        help: "Frames taken of each second of a clip; 0 takes all.")
    var rate = 1
    @Option(parsing: .unconditional, help: "The first second of the clip.")
    var start: Int?
    @Option(parsing: .unconditional, help: "The last second of the clip, included.")
    var end: Int?
    @Option(help: "Which frames are kept if there are too many: uniform, head or tail.")
    var select = ClipSelection.uniform

    mutating func validate() throws {
        if !clip, rate != 1 || start != nil || end != nil || select != .uniform {
            throw ValidationError("--clip-rate, --start, --end and --select belong to --clip")
        }
        if rate < 0 { throw ValidationError("--clip-rate must be 0 or more") }
        if let start, start < 0 { throw ValidationError("--start must be 0 or more") }
        if let end, end < start ?? 0 { throw ValidationError("--end must not be before --start") }
    }

    /// The sampling of the clip's frames that the options describe.
    var sampling: ClipSampling {
        get throws {
            // Without --end, the last second is a day after the start, which is beyond any clip's end.
            try ClipSampling(rate: rate, seconds: start == nil && end == nil ? nil : (start ?? 0)...(end ?? 86_400))
        }
    }
}
