import CLIP
import Pixels
import Sampling
import Tensors

/// A frame's embeddings: as the newest of its stream, and what is now known of the one before it (3D patches).
struct FrameEmbeddings {
    let newest: [Float]
    let completed: (inner: [Float], first: [Float])?
    /// Whether it was embedded now, not kept from an earlier frame.
    let isNew: Bool
    /// The picture that was embedded, if it may be asked for in float32.
    let held: HeldPicture?
}

/// The image tower for the frames of all streams: one batch for what is new in them.
///
/// A picture that the gate found unchanged keeps its embedding; not with 3D patches, where its neighbours count too.
final class FrameEncoder {
    let images: ImageEncoder
    /// Whether pictures are held for as long as windows have them.
    private let holdsPictures: Bool
    private var lanes: [String: Lane] = [:]

    /// State of one stream.
    private struct Lane {
        var sequence: FrameSequence
        /// The newest picture's number, and its embedding; nil while its batch is made.
        var number: UInt64?
        var embedding: [Float]?
        var held: HeldPicture?
    }

    private enum Work {
        /// Kept from an earlier batch, or, if nil, made for the stream earlier in this one.
        case known([Float]?, HeldPicture?)
        /// From this row of the batch on: the frame, and the two embeddings that it completes.
        case new(row: Int, completes: Bool, HeldPicture?)
    }

    init(_ images: ImageEncoder, holdsPictures: Bool) {
        self.images = images
        self.holdsPictures = holdsPictures
    }

    /// The embeddings of the good frames among `items`, in their order.
    ///
    /// After an error the frames are lost, and nothing goes on across the gap.
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

    /// Nothing that comes of a stream continues what came.
    func forget(_ stream: String) { lanes[stream] = nil }
}
