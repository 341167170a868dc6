use super::*;

#[test]
fn a_file_without_text_and_a_damaged_file_are_errors() {
    let read = |media_type, bytes: &[u8]| extract(media_type, bytes, &Tools::default()).map(|_| ());
    assert_eq!(read(MediaType::Plain, b" \n"), Err(ExtractError::NoText));
    assert_eq!(read(MediaType::Docx, b"PK\x03\x04 nothing"), Err(ExtractError::Damaged));
    assert_eq!(read(MediaType::Xls, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 nothing"), Err(ExtractError::Damaged));
    assert_eq!(read(MediaType::Pdf, b"%PDF-1.4 nothing"), Err(ExtractError::NoPdf));
}

#[test]
fn a_file_with_a_password_is_rejected_with_a_reason_that_names_the_password() {
    use std::io::{Cursor, Write as _};
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let stored = zip::write::SimpleFileOptions::default();
    archive.start_file("tides.txt", stored.compression_method(zip::CompressionMethod::Stored)).unwrap();
    archive.write_all(b"High water at noon.").unwrap();
    let mut archive = archive.finish().unwrap().into_inner();
    let entry = memchr::memmem::rfind(&archive, b"PK\x01\x02").unwrap();
    // The flag of an encrypted file, in its own header and in the directory.
    for flags in [6, entry + 8] {
        archive[flags] |= 1;
    }
    let mut office = cfb::CompoundFile::create(Cursor::new(Vec::new())).unwrap();
    office.create_stream("/EncryptedPackage").unwrap().write_all(&[7; 64]).unwrap();
    office.flush().unwrap();
    let office = office.into_inner().into_inner();
    let kinds = [MediaType::Docx, MediaType::Xlsx, MediaType::Pptx].map(|kind| (kind, &office));
    for (kind, bytes) in kinds.into_iter().chain([(MediaType::Zip, &archive)]) {
        let reason = extract(kind, bytes, &Tools::default()).unwrap_err();
        assert_eq!(reason, ExtractError::Encrypted, "{kind:?}");
        assert!(reason.to_string().contains("password"), "{reason}");
    }
}

#[test]
fn a_file_at_which_a_parser_panics_is_damaged_and_the_files_beside_it_are_read() {
    use std::io::{Cursor, Write as _};
    let mut office = cfb::CompoundFile::create(Cursor::new(Vec::new())).unwrap();
    // The first record of a workbook, without its content.
    office.create_stream("/Workbook").unwrap().write_all(&[9, 8, 0, 0]).unwrap();
    office.flush().unwrap();
    let office = office.into_inner().into_inner();
    let read = |media_type, bytes: &[u8]| extract(media_type, bytes, &Tools::default());
    assert_eq!(read(MediaType::Xls, &office).unwrap_err(), ExtractError::Damaged);
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, bytes) in [("a.xls", office.as_slice()), ("b.txt", b"High water at noon.".as_slice())] {
        archive.start_file(name, stored).unwrap();
        archive.write_all(bytes).unwrap();
    }
    let archive = archive.finish().unwrap().into_inner();
    assert!(read(MediaType::Zip, &archive).unwrap().text().contains("High water"));
    assert_eq!(guarded::<()>(|| panic!("in a test")).unwrap_err(), ExtractError::Damaged);
}

#[test]
fn lines_that_look_like_markup_stay_text() {
    assert_eq!(escaped("# 4\n---\n> a\n- b"), "\\# 4\n\\---\n\\> a\n- b");
}
