import Foundation
package import Matching
import Sampling

/// A sampled frame that is to be added to windows; it has no embeddings if its picture shows nothing.
struct EmbeddedFrame {
    /// The media time in seconds; `wallClock` is in seconds since 1970.
    let mediaTime: Double
    let wallClock: Double
    /// Whether the frame does not continue the previous one.
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

    /// The span of the frame alone.
    var moment: WindowSpan {
        WindowSpan(
            mediaStart: mediaTime, mediaEnd: mediaTime, wallStart: wallClock, wallEnd: wallClock, frames: 1)
    }
}

/// An embedded frame of a lane, as a history stores it and `Replay` reads it.
package struct RecordedFrame: Sendable {
    package let lane: String
    /// The embedding as the image tower gives it, `[d]`; nil if the picture shows nothing.
    package let embedding: [Float]?
    /// The media time in seconds; `wallClock` is in seconds since 1970.
    package let mediaTime: Double
    package let wallClock: Double
    /// Whether the frame does not continue the previous one.
    package let isDiscontinuity: Bool
    /// Whether the picture was unchanged, so that it kept the previous frame's embedding.
    package let isRepeat: Bool

    package init(
        lane: String, embedding: [Float]?, mediaTime: Double, wallClock: Double, isDiscontinuity: Bool, isRepeat: Bool
    ) {
        (self.lane, self.embedding, self.mediaTime, self.wallClock) = (lane, embedding, mediaTime, wallClock)
        (self.isDiscontinuity, self.isRepeat) = (isDiscontinuity, isRepeat)
    }
}

/// The clip embedding of a window, as a head computed it.
package struct RecordedClip: Sendable {
    package let lane: String
    package let head: String
    package let span: WindowSpan
    /// The clip embedding `[d]`, of length 1.
    package let embedding: [Float]
}

/// Takes embedded frames, live or recorded, through windows, heads and rules to events, in each lane's order.
///
/// Not Sendable: it belongs to the engine, or to a replay.
final class FrameScorer {
    /// A step of a lane: its next frame, or its end.
    enum Item {
        case frame(EmbeddedFrame)
        case end
    }

    private let book: QueryBook
    private let evaluator: WindowEvaluator
    private let model: String
    /// Whether windows that are not full yet are scored, too.
    private let partial: Bool

    init(_ book: QueryBook, _ evaluator: WindowEvaluator, model: String, partial: Bool) {
        (self.book, self.evaluator, self.model, self.partial) = (book, evaluator, model, partial)
    }

    /// Takes the next frames and ends of lanes through windows, heads and rules; adds the results to `step`.
    ///
    /// `all` has every lane: at `time` (seconds since 1970) active hours and expiry may end events on any of them.
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
                    // It shows nothing: what comes after it does not continue what was before.
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
            for (window, look) in zip(batch.windows, evaluator.look(at: batch, &step)) {
                window.look = look
                if step.wantsFrames, isKept(window) { step.clips.append(window.recorded(look)) }
            }
        }
        evaluator.take(actions, &step)
    }

    /// Whether a history keeps a window's clip embedding: neither pairing heads' nor the mean head's.
    ///
    /// The mean head's clip embedding can be computed from the frames alone.
    private func isKept(_ window: PendingWindow) -> Bool {
        window.key.head != "mean" && window.span.frames == window.key.frames
            && book.groups[window.key]?.pairs == false
    }

    /// Slides a lane's window by a frame, and adds the windows to score.
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
    /// The frame as a history stores it; after lost frames it is a discontinuity.
    fileprivate func recorded(_ frame: EmbeddedFrame) -> RecordedFrame {
        RecordedFrame(
            lane: name, embedding: frame.embeddings?.newest, mediaTime: frame.mediaTime, wallClock: frame.wallClock,
            isDiscontinuity: takeLoss() || frame.isDiscontinuity, isRepeat: frame.embeddings?.isNew == false)
    }
}

extension PendingWindow {
    /// The clip embedding as a history stores it.
    fileprivate func recorded(_ look: HeadOutput) -> RecordedClip {
        RecordedClip(lane: lane.name, head: key.head, span: span, embedding: look.clip)
    }
}
