import ArgumentParser
import CLIP
import CommandSupport
import Commands
import Heads
import Ingest
import Tensors
import WireFormat

/// `watchword doctor`: checks what Watchword needs on this machine.
struct Doctor: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check what Watchword needs on this machine, and say what to do about what is missing.")

    @OptionGroup var model: ModelOptions
    @OptionGroup var daemon: DaemonOptions

    /// The result of one check: what was found, and advice if it is a problem.
    private struct Check: Encodable {
        let name: String
        let ok: Bool
        let found: String
        let advice: String?

        init(_ name: String, _ ok: Bool, _ found: String, _ advice: String? = nil) {
            (self.name, self.ok, self.found, self.advice) = (name, ok, found, ok ? nil : advice)
        }
    }

    /// The required GStreamer elements, and the Debian packages that contain them.
    private static let elements = [
        ("uridecodebin", "gstreamer1.0-plugins-base"), ("videoconvert", "gstreamer1.0-plugins-base"),
        ("qtdemux", "gstreamer1.0-plugins-good"), ("rtspsrc", "gstreamer1.0-plugins-good"),
        ("v4l2src", "gstreamer1.0-plugins-good"), ("h264parse", "gstreamer1.0-plugins-bad"),
        ("hlsdemux", "gstreamer1.0-plugins-bad"), ("avdec_h264", "gstreamer1.0-libav"),
        ("avdec_mjpeg", "gstreamer1.0-libav"), ("jpegparse", "gstreamer1.0-plugins-bad"),
        ("gdkpixbufdec", "gstreamer1.0-plugins-good"),
    ]

    func run() async throws {
        let checks = mediaChecks() + computeChecks() + modelChecks() + [daemonCheck()]
        if daemon.json {
            try Terminal.say(json: checks)
        } else {
            Terminal.table(
                ["", "CHECK", "FOUND", "WHAT TO DO"],
                checks.map { [$0.ok ? "ok" : "NO", $0.name, $0.found, $0.advice ?? ""] })
        }
        if checks.contains(where: { !$0.ok }) { throw Exit.unavailable }
    }

    /// Checks GStreamer, its elements, and whether its decoders give the right colours.
    private func mediaChecks() -> [Check] {
        var checks: [Check] = []
        do {
            try GStreamer.initialize()
            checks.append(Check("GStreamer", true, GStreamer.version))
        } catch {
            checks.append(Check("GStreamer", false, "\(error)", "install libgstreamer1.0-0"))
        }
        for (element, package) in Self.elements {
            let has = GStreamer.hasElement(element)
            checks.append(Check("element \(element)", has, has ? "present" : "missing", "apt-get install \(package)"))
        }
        if GStreamer.hasElement("decodebin") {
            let problems = DecoderCheck.problems()
            checks.append(
                Check(
                    "colours of decoders", problems.isEmpty,
                    problems.isEmpty ? "right" : problems.joined(separator: "; "),
                    "install what is named, and set no GST_PLUGIN_FEATURE_RANK for these"))
        }
        return checks
    }

    /// Reports oneDNN's version, and the CPU units that matrix products use.
    private func computeChecks() -> [Check] {
        [
            Check("oneDNN", true, "\(ComputeLibrary.oneDNNVersion), \(ComputeLibrary.instructionSet)"),
            Check("products", true, ComputeLibrary.units),
        ]
    }

    /// Checks the model, its tokenizer, its default head and the mean head.
    private func modelChecks() -> [Check] {
        do {
            let directory = try model.directory()
            _ = try directory.tokenizer()
            let found = Check("model", true, "\(directory.identity), \(directory.architecture.name)")
            return [found] + Set([directory.defaults.head, "mean"]).sorted().map(headCheck)
        } catch {
            return [Check("model", false, "\(error)", "give a model directory with --model")]
        }
    }

    private func headCheck(_ head: String) -> Check {
        do {
            return Check("head \(head)", true, try HeadFinder.standard().load(head).path)
        } catch {
            return Check("head \(head)", false, "\(error)", "set WATCHWORD_PLUGIN_PATH")
        }
    }

    /// Reports whether a daemon answers; it is no problem if none does.
    private func daemonCheck() -> Check {
        guard let status = try? daemon.ask("status", timeout: 2) else {
            return Check("daemon", true, "none answers at \(daemon.control)")
        }
        return Check("daemon", true, "answers at \(daemon.control), seq \(status["seq"]?.integer ?? 0)")
    }
}
