import Foundation
import SystemSupport
import Testing

@Suite("What the kernel says of this process", .serialized)
struct ProcessTests {
    @Test("fields of /proc/self/stat are found behind a name with spaces and parentheses")
    func stat() throws {
        let stat = ProcFile.Stat()
        // Fields 4 and 5 of proc(5): the parent and the process group.
        #expect(stat[4] == Double(getppid()) && stat[5] == Double(getpgrp()))
        #expect(stat[1000] == 0 && ProcFile.Stat("0")[4] == 0)
        // A process that names itself so that its name holds what ends names.
        let named = Process()
        (named.executableURL, named.standardOutput) = (URL(filePath: "/bin/sh"), Pipe())
        named.arguments = ["-c", "printf ') S 1 2' > /proc/$$/comm && read line"]
        let input = Pipe()
        named.standardInput = input
        try named.run()
        defer { try? input.fileHandleForWriting.close() }
        while !ProcFile.text("\(named.processIdentifier)/comm").hasPrefix(") S") { sched_yield() }
        #expect(ProcFile.Stat("\(named.processIdentifier)")[4] == Double(getpid()))
    }

    @Test("memory, threads, files and the time of the start are those of a process that runs")
    func status() throws {
        let (before, now) = (ProcessStatus(), Date().timeIntervalSince1970)
        let descriptor = open("/dev/null", O_RDONLY)
        defer { close(descriptor) }
        let after = ProcessStatus()
        #expect(after.openDescriptors >= 4 && after.openDescriptors <= after.maxDescriptors)
        #expect(before.residentBytes > 1_048_576 && before.virtualBytes >= before.residentBytes)
        #expect(before.threads >= 1 && before.start > now - 86_400 && before.start <= now)
        #expect(after.processorSeconds >= before.processorSeconds)
        #expect(Memory.peakMegabytes >= Memory.residentMegabytes - 1)
        #expect(ProcFile.executable.map { FileManager.default.isExecutableFile(atPath: $0) } == true)
        #expect(ProcFile.text("self/nothing") == "" && ProcFile.entries("self/nothing") == [])
    }

    @Test("the limit of open files is raised to what is allowed, and never lowered")
    func limits() throws {
        var found = rlimit()
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        #expect(getrlimit(resource, &found) == 0)
        defer { setrlimit(resource, &found) }
        var low = rlimit(rlim_cur: min(4096, found.rlim_max), rlim_max: found.rlim_max)
        #expect(setrlimit(resource, &low) == 0)
        #expect(ResourceLimits.openFiles == Int(low.rlim_cur))
        ResourceLimits.raiseOpenFiles()
        #expect(ResourceLimits.openFiles == Int(max(low.rlim_cur, min(found.rlim_max, 65_536))))
        ResourceLimits.raiseOpenFiles()
        #expect(ResourceLimits.openFiles == Int(max(low.rlim_cur, min(found.rlim_max, 65_536))))
    }
}
