import Foundation
package import Matching
import Sampling

/// A sampled frame on its way into windows; without embeddings if its picture is black, frozen or blurred.
struct EmbeddedFrame {
    /// The frame's media time, in seconds; `wallClock` is in seconds since 1970.
    let mediaTime: Double
    let wallClock: Double
    /// True if the frame does not continue the previous one, such as after a seek or lost frames.
    let isDiscontinuity: Bool
    let embeddings: FrameEmbeddings?
    let still: Still

    init(_ frame: Frame, _ embeddings: FrameEmbeddings?) {
        (mediaTime, wallClock) = (frame.mediaTime, frame.wallClock.timeIntervalSince1970)
        isDiscontinuity = frame.discontinuity
        self.embeddings = embeddings
        still = Still(frame.preview)
    }

    init(_ frame: RecordedFrame) {
        (mediaTime, wallClock, isDiscontinuity) = (frame.mediaTime, frame.wallClock, frame.isDiscontinuity)
        embeddings = frame.embedding.map {
            FrameEmbeddings(newest: $0, completed: nil, isNew: !frame.isRepeat, held: nil)
        }
        still = Still(nil)
    }

    /// The span of a window that consists of this frame only.
    var moment: WindowSpan {
        WindowSpan(
            mediaStart: mediaTime, mediaEnd: mediaTime, wallStart: wallClock, wallEnd: wallClock, frames: 1)
    }
}

/// A frame of a lane (a stream or region) as the history stores it and `Replay` reads it.
package struct RecordedFrame: Sendable {
    package let lane: String
    /// The image encoder's embedding `[d]`, not normalised; nil if the picture is black, frozen or blurred.
    package let embedding: [Float]?
    /// The frame's media time, in seconds; `wallClock` is in seconds since 1970.
    package let mediaTime: Double
    package let wallClock: Double
    /// True if the frame does not continue the previous one, such as after a seek or lost frames.
    package let isDiscontinuity: Bool
    /// True if the picture was unchanged, so that the frame has the previous frame's embedding.
    package let isRepeat: Bool

    package init(
        lane: String, embedding: [Float]?, mediaTime: Double, wallClock: Double, isDiscontinuity: Bool, isRepeat: Bool
    ) {
        (self.lane, self.embedding, self.mediaTime, self.wallClock) = (lane, embedding, mediaTime, wallClock)
        (self.isDiscontinuity, self.isRepeat) = (isDiscontinuity, isRepeat)
    }
}

/// The embedding of a whole window (clip embedding) by a head (a model that scores windows), as the history stores it.
package struct RecordedClip: Sendable {
    package let lane: String
    package let head: String
    package let span: WindowSpan
    /// The window's embedding `[d]`, with length 1.
    package let embedding: [Float]
}

/// Turns embedded frames into events: forms windows, scores them for all queries, and applies the queries' thresholds.
///
/// The frames are live or recorded; those of each lane (a stream or region) are processed in order. Not Sendable: only
/// one engine or replay uses it.
final class FrameScorer {
    /// The next input of a lane (a stream or region): its next frame, or its end.
    enum Item {
        case frame(EmbeddedFrame)
        case end
    }

    private let book: QueryBook
    private let evaluator: WindowEvaluator
    private let model: String
    /// True if windows that are not full yet are scored, too.
    private let partial: Bool

    init(_ book: QueryBook, _ evaluator: WindowEvaluator, model: String, partial: Bool) {
        (self.book, self.evaluator, self.model, self.partial) = (book, evaluator, model, partial)
    }

    /// Processes the next frames and ends of lanes (streams and regions); adds events, scores and counters to `step`.
    ///
    /// `all` has every lane, because at `time` (seconds since 1970) a query's active hours or expiry may end its events
    /// on any lane.
    func take(_ items: [(Lane, Item)], of all: some Sequence<Lane>, at time: Double, _ step: inout BatchResult) {
        var due: [GroupKey: WindowBatch] = [:]
        var actions: [(lane: Lane, action: WindowEvaluator.Action)] = []
        for (lane, item) in items {
            switch item {
            case .end:
                lane.clearWindow()
                actions.append((lane, .end))
            case .frame(let frame):
                if step.wantsFrames { step.frames.append(lane.recorded(frame)) }
                if frame.isDiscontinuity {
                    lane.clearWindow()
                    actions.append((lane, .close))
                }
                if let embeddings = frame.embeddings {
                    actions += slide(lane, frame, embeddings, &due).map { (lane, $0) }
                } else {
                    // Frames after an unusable picture do not continue those before it.
                    step.blind += 1
                    lane.clearWindow()
                    actions += [(lane, .blind(frame.moment)), (lane, .settle(frame.moment))]
                }
            }
        }
        for standing in book.refresh(at: time) {
            for lane in all { step.detections += lane.drop(standing, book, model: model) }
        }
        for batch in due.values {
            for (window, output) in zip(batch.windows, evaluator.runHead(on: batch, &step)) {
                window.output = output
                if step.wantsFrames, isKept(window) { step.clips.append(window.recorded(output)) }
            }
        }
        evaluator.take(actions, &step)
    }

    /// Returns true if the history must store the window's embedding by its head (the model that scored it).
    ///
    /// It is not stored for the mean head, whose embedding can be computed from the stored frames, nor for heads that
    /// give only scores.
    private func isKept(_ window: PendingWindow) -> Bool {
        window.key.head != "mean" && window.span.frames == window.key.frames
            && book.groups[window.key]?.pairs == false
    }

    /// Adds a frame to a lane (a stream or region), and its new windows to `due`; returns the steps that follow
    /// scoring.
    private func slide(
        _ lane: Lane, _ frame: EmbeddedFrame, _ embeddings: FrameEmbeddings, _ due: inout [GroupKey: WindowBatch]
    ) -> [WindowEvaluator.Action] {
        lane.slide(by: frame, embeddings)
        var longest = frame.moment
        var actions: [WindowEvaluator.Action] = []
        for key in book.groups.keys where partial || lane.window.count >= key.frames {
            guard let window = due[key, default: WindowBatch(key)].add(lane, frame.still) else { continue }
            actions.append(.window(window))
            if window.span.mediaStart < longest.mediaStart { longest = window.span }
        }
        return actions + [.settle(longest)]
    }
}

extension Lane {
    /// Returns the frame as the history stores it; after lost frames, it is marked as a discontinuity.
    fileprivate func recorded(_ frame: EmbeddedFrame) -> RecordedFrame {
        RecordedFrame(
            lane: name, embedding: frame.embeddings?.newest, mediaTime: frame.mediaTime, wallClock: frame.wallClock,
            isDiscontinuity: takeLoss() || frame.isDiscontinuity, isRepeat: frame.embeddings?.isNew == false)
    }
}

extension PendingWindow {
    /// Returns the embedding of the whole window (clip embedding) as the history stores it.
    fileprivate func recorded(_ output: HeadOutput) -> RecordedClip {
        RecordedClip(lane: lane.name, head: key.head, span: span, embedding: output.clip)
    }
}
