import CLIP
import Pixels
import Sampling
import Tensors

/// The embeddings that a new frame gives.
///
/// `newest` is the frame's own, as the newest of its stream. With 3D patches, where an embedding depends on the next
/// frame too, `completed` has those of the previous frame; otherwise it is nil.
struct FrameEmbeddings {
    let newest: [Float]
    let completed: (inner: [Float], first: [Float])?
    /// Whether the frame was embedded now, and did not keep the embedding of an earlier frame.
    let isNew: Bool
    /// The embedded picture; nil if windows are never scored again in float32.
    let held: HeldPicture?
}

/// The image tower for the frames of all streams: embeds the new pictures of a batch at once.
///
/// A picture that `ChangeGate` found unchanged keeps its embedding. With 3D patches it is embedded again, as its
/// neighbours matter.
final class FrameEncoder {
    let images: ImageEncoder
    /// Whether pictures are kept for as long as windows contain them.
    private let holdsPictures: Bool
    private var lanes: [String: Lane] = [:]

    /// The state of one stream.
    private struct Lane {
        var sequence: FrameSequence
        /// The newest picture's number; `embedding` is nil while its batch is computed.
        var number: UInt64?
        var embedding: [Float]?
        var held: HeldPicture?
    }

    private enum Work {
        /// The frame has an embedding from an earlier batch, or gets that of an earlier frame of this batch (nil).
        case known([Float]?, HeldPicture?)
        /// The frame's embedding is the batch's `row`; with `completes`, two more follow for the previous frame.
        case new(row: Int, completes: Bool, HeldPicture?)
    }

    init(_ images: ImageEncoder, holdsPictures: Bool) {
        self.images = images
        self.holdsPictures = holdsPictures
    }

    /// Embeds the good frames among `items`; returns their embeddings in order.
    ///
    /// After an error the frames are lost, and their streams start anew.
    func encode(_ items: [QueuedItem]) throws -> [FrameEmbeddings] {
        let linearPatch = images.architecture.vision.linearPatch
        var inputs: [FrameInContext] = []
        var work: [(stream: String, work: Work)] = []
        for item in items {
            // A picture that shows nothing is not embedded, and nothing continues across it.
            guard case .frame(let frame) = item.item, frame.health == .good else {
                lanes[item.stream] = nil
                continue
            }
            if frame.discontinuity { lanes[item.stream] = nil }
            var lane = lanes[item.stream] ?? Lane(sequence: FrameSequence(linearPatch))
            if linearPatch == .planar, lane.number == frame.pictureNumber {
                work.append((item.stream, .known(lane.embedding, lane.held)))
                continue
            }
            let due = lane.sequence.append(frame.picture)
            lane.number = frame.pictureNumber
            lane.embedding = nil
            lane.held = holdsPictures ? HeldPicture(frame.picture) : nil
            lanes[item.stream] = lane
            work.append((item.stream, .new(row: inputs.count, completes: due.completed != nil, lane.held)))
            inputs.append(due.newest)
            if let completed = due.completed { inputs += [completed.inner, completed.first] }
        }
        do {
            let rows = inputs.isEmpty ? nil : try images.encode(inputs)
            func row(_ row: Int) -> [Float] { rows?.row(row) ?? [] }
            // Of each stream in this batch: its lane may be gone already, for what comes after.
            var latest: [String: [Float]] = [:]
            let embeddings = work.map { stream, work in
                switch work {
                case .known(let embedding, let held):
                    return FrameEmbeddings(
                        newest: embedding ?? latest[stream] ?? [], completed: nil, isNew: false, held: held)
                case .new(let first, let completes, let held):
                    let newest = row(first)
                    latest[stream] = newest
                    return FrameEmbeddings(
                        newest: newest, completed: completes ? (row(first + 1), row(first + 2)) : nil, isNew: true,
                        held: held)
                }
            }
            for (stream, embedding) in latest where lanes[stream]?.embedding == nil {
                lanes[stream]?.embedding = embedding
            }
            return embeddings
        } catch {
            for item in items { lanes[item.stream] = nil }
            throw error
        }
    }

    /// Forgets a stream's state: its next frame continues nothing.
    func forget(_ stream: String) { lanes[stream] = nil }
}
