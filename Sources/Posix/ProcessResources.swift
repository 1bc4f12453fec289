import CPosix

/// What this process uses of the machine.
package struct ProcessResources: Sendable {
    package var cpuUser = Duration.zero
    package var cpuSystem = Duration.zero
    package var residentBytes = 0
    package var virtualBytes = 0
    package var openDescriptors = 0
    package var descriptorsMax = 0

    /// What cannot be found out stays zero.
    package init() {
        var (user, system): (Int64, Int64) = (0, 0)
        if cposix_cpu_microseconds(&user, &system) == 0 {
            cpuUser = .microseconds(user)
            cpuSystem = .microseconds(system)
        }
        var limit: UInt64 = 0
        if cposix_descriptor_limit(&limit) == 0 { descriptorsMax = Int(clamping: limit) }
        // The folder itself is open while it is listed.
        openDescriptors = max(0, ((try? PosixDirectory.list("/proc/self/fd").count) ?? 1) - 1)
        let pages = SystemProcess.smallFile("/proc/self/statm").split(separator: " ")
        let pageBytes = Int(cposix_page_size())
        if pages.count > 1 {
            virtualBytes = (Int(pages[0]) ?? 0) * pageBytes
            residentBytes = (Int(pages[1]) ?? 0) * pageBytes
        }
    }
}

/// How much room a file system has, as an ordinary user may fill it.
package struct DiskSpace: Equatable, Sendable {
    package let availableBytes: Int
    package let totalBytes: Int

    /// Nil when the path cannot be asked about.
    package init?(at path: String) {
        var (available, total): (UInt64, UInt64) = (0, 0)
        guard cposix_disk_space(path, &available, &total) == 0 else { return nil }
        availableBytes = Int(clamping: available)
        totalBytes = Int(clamping: total)
    }
}

extension SystemProcess {
    /// The text of one of the system's own small files; empty when it cannot be read.
    package static func smallFile(_ path: String) -> String {
        guard let file = try? PosixFile.open(path, .read) else { return "" }
        let bytes = [UInt8](unsafeUninitializedCapacity: 4_096) { buffer, count in
            count = (try? file.read(at: 0, into: UnsafeMutableRawBufferPointer(buffer))) ?? 0
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension StandardStream {
    /// Whether the system's journal reads this stream: then `JOURNAL_STREAM` has its numbers
    /// (systemd.exec(5)).
    package var isJournal: Bool {
        let numbers = SystemProcess.environment("JOURNAL_STREAM")?.split(separator: ":") ?? []
        guard numbers.count == 2, let device = UInt64(numbers[0]), let inode = UInt64(numbers[1])
        else { return false }
        return cposix_is_file(rawValue, device, inode) == 1
    }
}
