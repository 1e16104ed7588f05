import Foundation
import History
import Matching
import Segments
import Synchronization
import SystemSupport
import Testing

@Suite("A search while the history is written sees whole blocks, all that was flushed, and no fault")
struct ConcurrencyTests {
    @Test("a tail that is emptied between two reads loses nothing")
    func tail() throws {
        let scratch = Scratch()
        defer { scratch.remove() }
        let (writer, _) = try write(scratch, frames: 300, closes: false)
        let segment = try #require(scratch.folder.segments().first)
        // The block, and then the 44 of the tail; or, where the block has grown meanwhile, what it has now.
        let reader = try HistoryReader(segment)
        var rows = try #require(reader.next())
        #expect(rows.count == 256)
        var walk = Walk(seed: 9, width: width)
        for place in 300..<600 {
            writer.append(
                HistoryFrame(
                    stream: "lobby", embedding: walk.next(), media: Double(place), wall: noon + Double(place)))
        }
        writer.flush()
        while let next = reader.next() { rows += next }
        #expect(rows.map(\.entry.media) == (0..<600).map(Double.init))
        #expect(rows.dropFirst().allSatisfy(\.continues) && reader.skips.isEmpty)
        writer.close()
    }

    @Test("searches in the middle of flushes, ends and removals find what was flushed, and name no damage")
    func whileWriting() throws {
        let scratch = Scratch()
        defer { scratch.remove() }
        let writer = try HistoryWriter(scratch.path, settings(), now: { noon })
        let flushed = Mutex(0)
        let isDone = Mutex(false)
        let searches = Mutex(0)
        let text = randomUnit(1, width)
        DispatchQueue.concurrentPerform(iterations: 3) { thread in
            if thread == 0 {
                var walk = Walk(seed: 1, width: width)
                for place in 0..<3000 {
                    writer.append(
                        HistoryFrame(
                            stream: "lobby", embedding: walk.next(), media: Double(place), wall: noon + Double(place)))
                    if place % 25 == 24 {
                        // "gate" comes and goes whole: its segment is unlinked while it may be read.
                        writer.append(
                            HistoryFrame(
                                stream: "gate", embedding: walk.next(), media: Double(place),
                                wall: noon + Double(place)))
                        writer.flush()
                        flushed.withLock { $0 = place + 1 }
                    }
                    if place % 100 == 99 { _ = writer.remove(HistoryRemoval(stream: "gate")) }
                }
                isDone.withLock { $0 = true }
                return
            }
            repeat {
                let least = flushed.withLock { $0 }
                let found = HistorySearch(scratch.folder, now: { noon }).run(query([text], limit: 3))
                #expect(found.skips.isEmpty, "\(found.skips)")
                #expect(found.windows >= least - window + 1)
                #expect(least < window || found.moments[0].first?.stream == "lobby")
                searches.withLock { $0 += 1 }
            } while !isDone.withLock { $0 }
        }
        writer.close()
        #expect(searches.withLock { $0 } >= 2)
        let found = HistorySearch(scratch.folder, now: { noon }).run(query([text], limit: 3))
        #expect(found.windows == 3000 - window + 1)
    }
}
