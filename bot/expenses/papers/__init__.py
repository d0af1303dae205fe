"""Reports as files: PDF with the receipts, XLSX, CSV."""
